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
    ///
    /// Other added tokens (not special: `<think>`) are words that anybody may say, as with `split_special_tokens` of `transformers`; but those
    /// that the template's source spells out are its marks, and only it and the assistant say them.
    public func encode(_ chat: RenderedChat) -> [Int32] {
        let spelled = spelled(by: chat)
        let marks = Set(spelled.filter { !$0.special && chat.source.contains($0.content) }.map(\.id))
        if marks.isEmpty, !spelled.contains(where: \.special) { return encode(chat.text, addSpecialTokens: false, specials: .parsed) }
        return encode(chat.text, addSpecialTokens: false, specials: .parsedOutside(chat.content, marks: TemplateMarks(ids: marks, ranges: chat.othersContent)))
    }

    /// The added tokens whose text the conversation holds, or a part of it that the template completes.
    private func spelled(by chat: RenderedChat) -> [AddedToken] {
        let tokens = addedTokens.filter { $0.isSearched && !$0.content.isEmpty }.map { (token: $0, bytes: Array($0.content.utf8)) }
        let longest = tokens.reduce(0) { max($0, $1.bytes.count) }
        let byStart = Dictionary(grouping: tokens.indices) { tokens[$0].bytes[0] }
        let bytes = Array(chat.text.utf8)
        var found: Set<Int> = []
        for range in chat.content {
            for at in max(0, range.lowerBound - longest + 1)..<range.upperBound {
                for index in byStart[bytes[at]] ?? [] where at + tokens[index].bytes.count > range.lowerBound && bytes[at...].starts(with: tokens[index].bytes) {
                    found.insert(index)
                }
            }
        }
        return found.sorted().map { tokens[$0].token }
    }
}
