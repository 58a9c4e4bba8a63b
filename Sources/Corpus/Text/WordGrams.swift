/// N-grams of a text's words by hash: of the words apart, and of the words run together.
struct WordGrams {
    private let hashes: [UInt64]
    /// Characters and bytes before each word, words run together.
    private let offsets: [Int32]
    private let bytes: [Int32]
    /// Hash of the bytes before each word: a polynomial modulo 2^61 - 1, so that any stretch has its hash from two of them.
    private let prefix: [UInt64]

    private static let modulus: UInt64 = (1 << 61) - 1
    private static let base: UInt64 = 0x1234_5678_9ABC_DEF
    private static let shortPowers: [UInt64] = {
        var powers: [UInt64] = [1]
        for _ in 0..<1024 { powers.append(product(powers[powers.count - 1], base)) }
        return powers
    }()

    @inline(__always)
    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        let sum = (low & modulus) &+ (low >> 61 | high << 3)
        return sum >= modulus ? sum &- modulus : sum
    }

    private static func power(_ n: Int, _ table: [UInt64]) -> UInt64 {
        if n < table.count { return table[n] }
        var (result, square, n) = (UInt64(1), base, n)
        while n > 0 {
            if n & 1 == 1 { result = product(result, square) }
            square = product(square, square)
            n >>= 1
        }
        return result
    }

    init(_ p: UnsafePointer<UInt8>, _ words: [Words.Word]) {
        let count = words.count
        var hashes = [UInt64](repeating: 0, count: count)
        var offsets = [Int32](repeating: 0, count: count + 1)
        var bytes = [Int32](repeating: 0, count: count + 1)
        var prefix = [UInt64](repeating: 0, count: count + 1)
        var running: UInt64 = 0
        for i in 0..<count {
            let word = words[i]
            let (start, end) = (Int(word.start), Int(word.end))
            hashes[i] = XXHash64.hash(p + start, end - start)
            offsets[i + 1] = offsets[i] &+ word.length
            bytes[i + 1] = bytes[i] &+ (word.end - word.start)
            for at in start..<end {
                running = Self.product(running, Self.base) &+ UInt64(p[at]) &+ 1
                if running >= Self.modulus { running &-= Self.modulus }
            }
            prefix[i + 1] = running
        }
        (self.hashes, self.offsets, self.bytes, self.prefix) = (hashes, offsets, bytes, prefix)
    }

    @inline(__always)
    private func apart(_ i: Int, _ n: Int) -> UInt64 {
        var key = hashes[i]
        for j in 1..<n { key = (key ^ key >> 32) &* 0x9FB2_1C65_1E98_DF25 &+ hashes[i + j] }
        return key
    }

    /// Characters of the most frequent n-gram, words parted by spaces, times its count; of equals the one that stands first.
    func mostFrequent(_ n: Int, _ counts: inout CountTable) -> Int {
        let total = hashes.count - n + 1
        counts.reset(for: total)
        var best: UInt32 = 0
        for i in 0..<total { best = max(best, counts.add(apart(i, n)) + 1) }
        let first = best == 1 ? 0 : (0..<total).first { counts.count(of: apart($0, n)) == best } ?? 0
        return (Int(offsets[first + n] - offsets[first]) + n - 1) * Int(best)
    }

    /// Characters of n-grams (words run together) that were there before, each word counted once.
    func repeatedCharacters(_ n: Int, _ counts: inout CountTable) -> Int {
        let total = hashes.count - n + 1
        counts.reset(for: total)
        let powers = Self.shortPowers
        var (i, repeated) = (0, 0)
        while i < total {
            let scale = Self.power(Int(bytes[i + n] - bytes[i]), powers)
            let before = Self.product(prefix[i], scale)
            let key = prefix[i + n] >= before ? prefix[i + n] - before : prefix[i + n] + Self.modulus - before
            if counts.add(key) > 0 {
                repeated += Int(offsets[i + n] - offsets[i])
                i += n
            } else {
                i += 1
            }
        }
        return repeated
    }
}
