import QuintetFiles

/// WordPiece (BERT): the longest token that begins the word, then the longest that continues it, and so on.
final class WordPieceModel: Sendable {
    private let starts: ByteTrie
    private let continuations: ByteTrie
    private let unknown: Int32
    private let longestWord: Int

    init(_ definition: TokenizerDefinition, alphabet: TokenModel.Alphabet) throws(FileError) {
        let prefix = Array((definition.model["continuing_subword_prefix"]?.string ?? "##").utf8)
        longestWord = definition.model["max_input_chars_per_word"]?.int ?? 100
        unknown = try definition.unknownID() ?? -1
        let bytes = definition.tokens.bytes.count
        starts = ByteTrie(bytes: bytes)
        continuations = prefix.isEmpty ? starts : ByteTrie(bytes: bytes)
        let roles = definition.pieceRoles
        for (index, id) in definition.ids.enumerated() where roles.isEmpty || roles[index].isFoundInText {
            let text = definition.text(of: index, in: alphabet)
            starts.insert(text, id)
            if !prefix.isEmpty, text.starts(with: prefix), text.count > prefix.count {
                continuations.insert(text.dropFirst(prefix.count), id)
            }
        }
    }

    /// A word with a part that no token covers is unknown as a whole.
    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ sink: inout IDSink) {
        let before = sink.count
        guard count <= longestWord || Self.characters(p, count) <= longestWord else { return addUnknown(&sink) }
        var index = 0
        while index < count {
            let trie = index == 0 ? starts : continuations
            guard let (length, id) = trie.longestPrefix(p + index, count - index) else {
                sink.count = before
                return addUnknown(&sink)
            }
            sink.append(id)
            index += length
        }
    }

    private func addUnknown(_ sink: inout IDSink) {
        if unknown >= 0 { sink.append(unknown) }
    }

    private static func characters(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 + (p[$1] & 0xC0 == 0x80 ? 0 : 1) }
    }
}
