internal import CQuintetKernels

/// Signatures whose agreement estimates how much two documents have in common: minima of hashes over their n-grams.
///
/// The hash functions are datatrove's: drawn from NumPy's Mersenne Twister with seed 1, modulo 2^61 - 1.
struct MinHash: Sendable {
    let buckets: Int
    let perBucket: Int
    private let a: [UInt64]
    private let b: [UInt64]

    init(buckets: Int, perBucket: Int, seed: UInt32) {
        (self.buckets, self.perBucket) = (buckets, perBucket)
        var twister = MersenneTwister(seed)
        let prime: UInt64 = (1 << 61) - 1
        a = (0..<(buckets * perBucket)).map { _ in twister.below(prime - 1) + 1 }
        b = (0..<(buckets * perBucket)).map { _ in twister.below(prime) }
    }

    /// One number a bucket: documents that share one in a bucket are taken for near-duplicates.
    func signature(_ shingles: [UInt64]) -> [UInt64] {
        let count = buckets * perBucket
        let minima = [UInt64](unsafeUninitializedCapacity: count) { out, initialized in
            shingles.withUnsafeBufferPointer { shingles in
                a.withUnsafeBufferPointer { a in
                    b.withUnsafeBufferPointer { b in
                        qk_minhash(shingles.baseAddress, Int64(shingles.count), a.baseAddress, b.baseAddress, Int64(count), out.baseAddress)
                    }
                }
            }
            initialized = count
        }
        return (0..<buckets).map { bucket in
            minima[(bucket * perBucket)..<((bucket + 1) * perBucket)].withUnsafeBytes { raw in
                XXHash64.hash(raw.bindMemory(to: UInt8.self))
            }
        }
    }
}

/// MT19937 as NumPy's legacy generator uses it.
struct MersenneTwister {
    private var state: [UInt32]
    private var at = 624

    init(_ seed: UInt32) {
        state = [seed]
        for i in 1..<624 { state.append(1_812_433_253 &* (state[i - 1] ^ state[i - 1] >> 30) &+ UInt32(i)) }
    }

    private mutating func next() -> UInt32 {
        if at == 624 {
            for i in 0..<624 {
                let y = state[i] & 0x8000_0000 | state[(i + 1) % 624] & 0x7FFF_FFFF
                state[i] = state[(i + 397) % 624] ^ y >> 1 ^ (y & 1 == 1 ? 0x9908_B0DF : 0)
            }
            at = 0
        }
        var y = state[at]
        at += 1
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C_5680
        y ^= y << 15 & 0xEFC6_0000
        return y ^ y >> 18
    }

    /// A number below `limit`: masked, and drawn again where too large.
    mutating func below(_ limit: UInt64) -> UInt64 {
        let mask = UInt64.max >> UInt64((limit - 1).leadingZeroBitCount)
        while true {
            let value = (UInt64(next()) << 32 | UInt64(next())) & mask
            if value < limit { return value }
        }
    }
}
