/// A set of characters with one bit for each: for questions that are asked of every character of a text.
struct ScalarBitmap: @unchecked Sendable {
    // Safe to share: written once by `init`, only read afterwards, never freed (the sets are static).
    private let bits: UnsafePointer<UInt64>

    init(_ set: ScalarSet) {
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: 0x110000 / 64)
        memory.initialize(repeating: 0, count: 0x110000 / 64)
        for range in set.ranges {
            for code in range { memory[Int(code >> 6)] |= 1 << UInt64(code & 63) }
        }
        bits = UnsafePointer(memory)
    }

    @inline(__always)
    func contains(_ scalar: UInt32) -> Bool { bits[Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 != 0 }

    /// Whether the character at `index` belongs to the set, and its length; broken bytes belong to none.
    @inline(__always)
    func character(of text: TextBytes, at index: Int) -> (isMember: Bool, length: Int) {
        guard let (scalar, length) = text.scalar(at: index) else { return (false, 1) }
        return (contains(scalar), length)
    }

    /// `\w` of the peer's regexes that are not Oniguruma's: with the two joiners.
    static let word = ScalarBitmap(UnicodeProperty.word.union(ScalarSet([0x200C...0x200D])))

    /// Punctuation as the peer's table has it, which stands at Unicode 8, and all ASCII symbols.
    static let punctuation = ScalarBitmap(punctuationSet)

    static let punctuationSet: ScalarSet = {
        let known = categoryRanges.filter { CharacterClasses.categoryNames[Int($0.category)].hasPrefix("P") }.flatMap(\.range)
        let old = known.filter { code in
            isKnown(code, before: 9) && code != 0x2E43
        }
        let ascii: [ClosedRange<UInt32>] = [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]
        return ScalarSet(old.map { $0...$0 } + ascii + [0x166D...0x166D, 0x111C9...0x111C9])
    }()

    static let numeric = ScalarBitmap(ScalarSet(flags: CharacterFlags.number))
    static let space = ScalarBitmap(ScalarSet(flags: CharacterFlags.space))
}
