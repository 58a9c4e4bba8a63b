import QuintetFiles

extension Tokenizer {
    /// The words that templates use: `bos_token`, `eos_token` and so on, from tokenizer_config.json or the vocabulary.
    public var templateTokens: [String: String] {
        var tokens: [String: String] = [:]
        for (key, value) in configuration.object ?? [:] where key.hasSuffix("_token") {
            if let text = value.string ?? value["content"]?.string { tokens[key] = text }
        }
        for (key, id) in [("bos_token", bosID), ("eos_token", eosID), ("pad_token", padID), ("unk_token", unkID)] where tokens[key] == nil {
            if configuration.object == nil, let id, let name = token(of: id) { tokens[key] = name }
        }
        return tokens
    }

    /// The ids of a conversation that a template wrote out: its own words become control tokens, those of the conversation never do.
    public func encode(_ chat: RenderedChat) -> [Int32] {
        encode(chat.text, addSpecialTokens: false, specials: spellsOut(chat) ? .parsedOutside(chat.content) : .parsed)
    }

    /// Whether the conversation holds the text of a special token, or a part of one that the template completes.
    private func spellsOut(_ chat: RenderedChat) -> Bool {
        let special = addedTokens.filter { $0.special && $0.isSearched && !$0.content.isEmpty }.map { Array($0.content.utf8) }
        let longest = special.reduce(0) { max($0, $1.count) }
        let byStart = Dictionary(grouping: special) { $0.first ?? 0 }
        let bytes = Array(chat.text.utf8)
        return chat.content.contains { range in
            (max(0, range.lowerBound - longest + 1)..<range.upperBound).contains { at in
                byStart[bytes[at]]?.contains { at + $0.count > range.lowerBound && bytes[at...].starts(with: $0) } ?? false
            }
        }
    }
}
