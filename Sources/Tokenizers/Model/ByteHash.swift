/// Hashing of short byte strings. The seed is drawn per process, so nobody can prepare colliding words;
/// results never depend on hash order.
enum ByteHash {
    static let seed = UInt64.random(in: 1 ... .max) | 1

    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// Hash of `count` bytes at `p`.
    static func hash(_ p: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        let raw = UnsafeRawPointer(p)
        var state = seed ^ UInt64(truncatingIfNeeded: count)
        var index = 0
        while index + 8 <= count {
            state = mix(state ^ raw.loadUnaligned(fromByteOffset: index, as: UInt64.self), 0x9E37_79B9_7F4A_7C15 ^ seed)
            index += 8
        }
        var tail: UInt64 = 0
        while index < count {
            tail = tail << 8 | UInt64(p[index])
            index += 1
        }
        return mix(state ^ tail, 0xD6E8_FEB8_6659_FD93)
    }
}

/// A word of at most 15 bytes in two machine words: the bytes, zeros, and the length in the last byte.
struct ShortKey: Equatable {
    static let longest = 15
    let low: UInt64
    let high: UInt64

    /// Packs `count <= 15` bytes; `readable` bytes at `p` may be touched, 16 make it fast.
    @inline(__always)
    init(_ p: UnsafePointer<UInt8>, _ count: Int, readable: Int) {
        var low: UInt64
        var high: UInt64
        if readable >= 16 {
            low = UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
            high = UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            if count < 8 {
                low &= (1 << UInt64(truncatingIfNeeded: count &* 8)) &- 1
                high = 0
            } else {
                high &= (1 << UInt64(truncatingIfNeeded: (count &- 8) &* 8)) &- 1
            }
        } else {
            (low, high) = Self.gathered(p, count)
        }
        self.low = low
        self.high = high | UInt64(truncatingIfNeeded: count) << 56
    }

    @inline(never)
    private static func gathered(_ p: UnsafePointer<UInt8>, _ count: Int) -> (UInt64, UInt64) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for index in 0..<min(count, 8) { low |= UInt64(p[index]) << UInt64(index * 8) }
        for index in 8..<max(count, 8) { high |= UInt64(p[index]) << UInt64((index - 8) * 8) }
        return (low, high)
    }

    @inline(__always)
    func hash(seed: UInt64) -> UInt64 {
        ByteHash.mix(low ^ seed, high ^ 0x9E37_79B9_7F4A_7C15)
    }
}
