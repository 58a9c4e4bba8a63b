/// A set of Unicode scalars as sorted ranges that do not touch.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    init() {}
    init(_ ranges: [ClosedRange<UInt32>]) { for range in ranges { insert(range) } }
    init(_ scalar: UInt32) { ranges = [scalar...scalar] }

    /// Every scalar; surrogates are none.
    static let all = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])

    var isEmpty: Bool { ranges.isEmpty }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        var merged = range
        var kept: [ClosedRange<UInt32>] = []
        for other in ranges {
            let touches = UInt64(other.lowerBound) <= UInt64(merged.upperBound) + 1 && UInt64(merged.lowerBound) <= UInt64(other.upperBound) + 1
            if touches {
                merged = min(other.lowerBound, merged.lowerBound)...max(other.upperBound, merged.upperBound)
            } else {
                kept.append(other)
            }
        }
        kept.append(merged)
        ranges = kept.sorted { $0.lowerBound < $1.lowerBound }
    }

    func union(_ other: ScalarSet) -> ScalarSet {
        var result = self
        for range in other.ranges { result.insert(range) }
        return result
    }

    func intersection(_ other: ScalarSet) -> ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        for a in ranges {
            for b in other.ranges where a.overlaps(b) { result.append(max(a.lowerBound, b.lowerBound)...min(a.upperBound, b.upperBound)) }
        }
        return ScalarSet(result)
    }

    /// Every scalar that is not in the set.
    var inverted: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return ScalarSet(result).intersection(.all)
    }

    func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.inverted) }

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    /// The UTF-8 forms as sequences of byte ranges, each of which stands for all its combinations.
    var byteSequences: [[ClosedRange<UInt8>]] {
        var result: [[ClosedRange<UInt8>]] = []
        for range in intersection(.all).ranges { Self.split(range.lowerBound, range.upperBound, &result) }
        return result
    }

    private static func split(_ low: UInt32, _ high: UInt32, _ out: inout [[ClosedRange<UInt8>]]) {
        for limit: UInt32 in [0x7F, 0x7FF, 0xFFFF] where low <= limit && high > limit {
            split(low, limit, &out)
            return split(limit + 1, high, &out)
        }
        if high < 0x80 { return out.append([UInt8(low)...UInt8(high)]) }
        // A range is one sequence where all lower digits run from 0 to 63 in every place below the first that differs.
        for bits: UInt32 in [6, 12, 18] {
            let mask: UInt32 = 1 << bits - 1
            guard low & ~mask != high & ~mask else { continue }
            if low & mask != 0 {
                split(low, low | mask, &out)
                return split((low | mask) + 1, high, &out)
            }
            if high & mask != mask {
                split(low, (high & ~mask) - 1, &out)
                return split(high & ~mask, high, &out)
            }
        }
        let (first, last) = (utf8(low), utf8(high))
        out.append(zip(first, last).map { $0...$1 })
    }

    static func utf8(_ scalar: UInt32) -> [UInt8] { Unicode.Scalar(scalar).map { Array(String(Character($0)).utf8) } ?? [] }
}
