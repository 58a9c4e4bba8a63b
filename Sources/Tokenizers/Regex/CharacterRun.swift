/// A regex that asks for one kind of character, so many times or more (`\s+`, ` {2,}`): found without an automaton.
struct CharacterRun: Sendable {
    private let set: ScalarSet
    private let ascii: [Bool]
    private let least: Int

    /// Nil for any other regex.
    init?(_ node: RegexNode) {
        var node = node
        while case .sequence(let parts) = node, parts.count == 1 { node = parts[0] }
        guard case .repetition(.set(let set), let least, nil, true) = node, least > 0 else { return nil }
        self.set = set
        self.least = least
        ascii = (0..<0x80).map { set.contains($0) }
    }

    func forEachMatch(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = 0
        while index < text.count {
            var (isMember, length) = character(of: text, at: index)
            let start = index
            var count = 0
            while isMember {
                index += length
                count += 1
                if index == text.count { break }
                (isMember, length) = character(of: text, at: index)
            }
            if count >= least { body(start, index) }
            if index < text.count { index += length }
        }
    }

    /// Broken bytes count as U+FFFD, as in the automaton.
    @inline(__always)
    private func character(of text: TextBytes, at index: Int) -> (isMember: Bool, length: Int) {
        let byte = text.base[index]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let (scalar, length) = text.scalar(at: index) ?? (0xFFFD, 1)
        return (set.contains(scalar), length)
    }
}
