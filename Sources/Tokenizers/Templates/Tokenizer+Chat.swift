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
        let controls = controlTokens(in: chat)
        guard controls.contains(where: { $0.isSpelledOut }) else { return encode(chat.text, addSpecialTokens: false) }
        var ids: [Int32] = []
        let bytes = Array(chat.text.utf8)
        var (start, stripsLeft) = (0, false)
        for control in controls where !control.isSpelledOut {
            ids += plain(bytes[start..<max(control.range.lowerBound, start)], stripsStart: stripsLeft, stripsEnd: control.token.stripsLeft)
            ids.append(control.token.id)
            (start, stripsLeft) = (control.range.upperBound, control.token.stripsRight)
        }
        return ids + plain(bytes[start...], stripsStart: stripsLeft, stripsEnd: false)
    }

    /// Text without control tokens.
    private func plain(_ bytes: ArraySlice<UInt8>, stripsStart: Bool, stripsEnd: Bool) -> [Int32] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var bytes = bytes
        if stripsStart { bytes = bytes.drop(while: isSpace) }
        if stripsEnd { while let last = bytes.last, isSpace(last) { bytes.removeLast() } }
        if bytes.isEmpty { return [] }
        return encode(String(decoding: bytes, as: UTF8.self), addSpecialTokens: false, specials: .asText)
    }

    private struct Control {
        let token: AddedToken
        let range: Range<Int>
        /// It touches what the conversation said, so it is text.
        let isSpelledOut: Bool
    }

    /// Where special tokens are spelled, the longest at each place, from left to right.
    private func controlTokens(in chat: RenderedChat) -> [Control] {
        let special = addedTokens.filter { $0.special && $0.isSearched && !$0.content.isEmpty }
        let byStart = Dictionary(grouping: special) { $0.content.utf8.first ?? 0 }.mapValues { tokens in
            tokens.map { (token: $0, bytes: Array($0.content.utf8)) }.sorted { $0.bytes.count > $1.bytes.count }
        }
        let bytes = Array(chat.text.utf8)
        var found: [Control] = []
        var (at, range) = (0, 0)
        while at < bytes.count {
            guard let match = byStart[bytes[at]]?.first(where: { bytes[at...].starts(with: $0.bytes) }) else {
                at += 1
                continue
            }
            let place = at..<at + match.bytes.count
            while range < chat.content.count, chat.content[range].upperBound <= place.lowerBound { range += 1 }
            let touches = range < chat.content.count && chat.content[range].lowerBound < place.upperBound
            found.append(Control(token: match.token, range: place, isSpelledOut: touches))
            at = touches ? at + 1 : place.upperBound
        }
        return found
    }
}
