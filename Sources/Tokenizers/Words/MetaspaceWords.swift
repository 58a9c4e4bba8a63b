/// Cuts before each run of U+2581 ("▁"), the SentencePiece space. Not a regex of any file: a cut that no merge of
/// the vocabulary can reach over, which makes one long text many short words with the same ids.
struct MetaspaceWords: WordRule {
    @inline(__always)
    func end(in text: TextBytes, from start: Int) -> Int {
        var index = start
        while index < text.count, isMetaspace(text, index) { index += 3 }
        while index < text.count, !(text.base[index] == 0xE2 && isMetaspace(text, index)) { index += 1 }
        return index
    }

    @inline(__always)
    private func isMetaspace(_ text: TextBytes, _ index: Int) -> Bool {
        index + 2 < text.count && text.base[index] == 0xE2 && text.base[index + 1] == 0x96 && text.base[index + 2] == 0x81
    }

    /// True if the cut changes nothing: "▁" is a token, and no merge makes a token with "▁" after something else.
    static func isExact(for definition: TokenizerDefinition) -> Bool {
        let mark = Array("▁".utf8)
        guard definition.tokens.index(of: mark) != nil else { return false }
        var tokens: [Int32: Int] = [:]
        for (index, id) in definition.ids.enumerated() { tokens[id] = index }
        return definition.merges.allSatisfy { merge in
            guard let index = tokens[merge.id] else { return false }
            let token = Array(definition.tokens[index])
            var position = 0
            while token[position...].starts(with: mark) { position += 3 }
            return !token[position...].contains(0xE2) || !contains(mark, in: token, from: position)
        }
    }

    private static func contains(_ mark: [UInt8], in token: [UInt8], from position: Int) -> Bool {
        (position..<max(token.count - 2, position)).contains { token[$0...].starts(with: mark) }
    }
}
