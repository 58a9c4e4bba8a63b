/// Philox4x32-10 (Salmon et al. 2011): random numbers that depend on a key and a counter only.
struct Philox: Sendable {
    let key: UInt64
    /// Which sequence of the key.
    var stream: UInt64 = 0

    /// A uniform number in [0, 1) with 53 random bits, for one step; a step has two.
    func uniform(_ step: UInt64, _ which: Int = 0) -> Double {
        let block = block(step)
        let bits = which == 0 ? UInt64(block.0) << 32 | UInt64(block.1) : UInt64(block.2) << 32 | UInt64(block.3)
        return Double(bits >> 11) * 0x1p-53
    }

    private func block(_ step: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        var c = (
            UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32), UInt32(truncatingIfNeeded: stream),
            UInt32(truncatingIfNeeded: stream >> 32)
        )
        var k = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
        for _ in 0..<10 {
            let a = UInt64(c.0) * 0xD251_1F53
            let b = UInt64(c.2) * 0xCD9E_8D57
            c = (
                UInt32(truncatingIfNeeded: b >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: b),
                UInt32(truncatingIfNeeded: a >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: a)
            )
            k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
        }
        return c
    }
}
