/// XXH64 with seed 0 (Yann Collet), the hash that datatrove gives its n-grams.
enum XXHash64 {
    private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always)
    private static func rotated(_ x: UInt64, _ by: UInt64) -> UInt64 { x << by | x >> (64 - by) }

    @inline(__always)
    private static func round(_ sum: UInt64, _ input: UInt64) -> UInt64 { rotated(sum &+ input &* p2, 31) &* p1 }

    @inline(__always)
    private static func word(_ p: UnsafePointer<UInt8>, _ i: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(p + i).loadUnaligned(as: UInt64.self))
    }

    static func hash(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt64 {
        var i = 0
        var h: UInt64
        if n >= 32 {
            var (a, b, c, d) = (p1 &+ p2, p2, UInt64(0), 0 &- p1)
            while i + 32 <= n {
                a = round(a, word(p, i))
                b = round(b, word(p, i + 8))
                c = round(c, word(p, i + 16))
                d = round(d, word(p, i + 24))
                i += 32
            }
            h = rotated(a, 1) &+ rotated(b, 7) &+ rotated(c, 12) &+ rotated(d, 18)
            h = (h ^ round(0, a)) &* p1 &+ p4
            h = (h ^ round(0, b)) &* p1 &+ p4
            h = (h ^ round(0, c)) &* p1 &+ p4
            h = (h ^ round(0, d)) &* p1 &+ p4
        } else {
            h = p5
        }
        h = h &+ UInt64(n)
        while i + 8 <= n {
            h = rotated(h ^ round(0, word(p, i)), 27) &* p1 &+ p4
            i += 8
        }
        if i + 4 <= n {
            let half = UInt64(UInt32(littleEndian: UnsafeRawPointer(p + i).loadUnaligned(as: UInt32.self)))
            h = rotated(h ^ half &* p1, 23) &* p2 &+ p3
            i += 4
        }
        while i < n {
            h = rotated(h ^ UInt64(p[i]) &* p5, 11) &* p1
            i += 1
        }
        h ^= h >> 33
        h = h &* p2
        h ^= h >> 29
        h = h &* p3
        return h ^ h >> 32
    }

    static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        bytes.baseAddress.map { hash($0, bytes.count) } ?? [UInt8(0)].withUnsafeBufferPointer { $0.baseAddress.map { hash($0, 0) } ?? 0 }
    }
}
