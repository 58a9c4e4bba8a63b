/// A set of Unicode scalars as sorted ranges that neither touch nor overlap.
struct ScalarSet: Sendable, Hashable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    static let last: UInt32 = 0x10FFFF
    static let all = ScalarSet([0...last])

    init(_ ranges: [ClosedRange<UInt32>] = []) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let end = self.ranges.last?.upperBound, range.lowerBound <= end || range.lowerBound == end + 1 {
                let start = self.ranges[self.ranges.count - 1].lowerBound
                self.ranges[self.ranges.count - 1] = start...max(end, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

    /// Scalars of the general categories whose numbers `wanted` accepts.
    init(categories wanted: (UInt8) -> Bool) {
        self.init(categoryRanges.filter { wanted($0.category) }.map(\.range))
    }

    /// Scalars that have any of `flags`.
    init(flags: UInt16) {
        let classes = CharacterClasses.shared
        self.init(categoryRanges.filter { classes.flags(ofCategory: $0.category) & flags != 0 }.map(\.range))
        if flags & CharacterFlags.space != 0 { self = union(ScalarSet([9...13, 0x85...0x85])) }
    }

    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    var inverted: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= Self.last { gaps.append(next...Self.last) }
        return ScalarSet(gaps)
    }

    func intersection(_ other: ScalarSet) -> ScalarSet { inverted.union(other.inverted).inverted }

    func contains(_ scalar: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= scalar
    }

    /// With the other cases of its letters. Sets too large to be a list of letters are closed under case already.
    var ignoringCase: ScalarSet {
        let size = ranges.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) + 1 }
        if size > 4096 { return self }
        var more: [ClosedRange<UInt32>] = []
        for range in ranges {
            for code in range {
                guard let scalar = Unicode.Scalar(code) else { continue }
                for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                    let scalars = text.unicodeScalars
                    if scalars.count == 1, let other = scalars.first?.value { more.append(other...other) }
                }
            }
        }
        var set = ScalarSet(ranges + more)
        // The Kelvin sign, the long s and the Angstrom sign fold to letters that do not map back to them.
        for (letter, sign) in [(0x6B, 0x212A), (0x73, 0x17F), (0xE5, 0x212B)] as [(UInt32, UInt32)] where set.contains(letter) {
            set = set.union(ScalarSet([sign...sign]))
        }
        return set
    }
}

/// Runs of scalars of one general category.
let categoryRanges: [(range: ClosedRange<UInt32>, category: UInt8)] = {
    let classes = CharacterClasses.shared
    var runs: [(range: ClosedRange<UInt32>, category: UInt8)] = []
    var start: UInt32 = 0
    for code in 1...ScalarSet.last + 1 {
        if code <= ScalarSet.last, classes.category(of: code) == classes.category(of: start) { continue }
        runs.append((start...code - 1, classes.category(of: start)))
        start = code
    }
    return runs
}()
