/// A random order of 0..<count that is computed, not stored: a keyed permutation (Feistel network with cycle walking).
///
/// Eight rounds over the smallest even number of bits that holds `count`; results outside are permuted again until they
/// fall inside, fewer than four times on average.
struct ShuffledOrder: Sendable {
    let count: Int
    private let half: UInt64
    private let mask: UInt64
    private let keys: [UInt64]

    init(count: Int, key: UInt64) {
        precondition(count > 0)
        self.count = count
        let bits = max(2, Int.bitWidth - (count - 1).leadingZeroBitCount)
        half = UInt64((bits + 1) / 2)
        mask = (1 << half) - 1
        keys = (0..<8).map { mix64(key &+ UInt64($0 + 1) &* 0x9E37_79B9_7F4A_7C15) }
    }

    subscript(index: Int) -> Int {
        precondition(index >= 0 && index < count)
        var value = UInt64(index)
        repeat { value = permuted(value) } while value >= UInt64(count)
        return Int(value)
    }

    private func permuted(_ value: UInt64) -> UInt64 {
        var (left, right) = (value >> half, value & mask)
        for key in keys { (left, right) = (right, left ^ mix64(right ^ key) & mask) }
        return left << half | right
    }
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): every input bit reaches every output bit.
func mix64(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
}
