public import QuintetFiles

extension Tokenizer {
    /// What the tokenizer is made of, for people and machines: sizes, slots, special tokens, fingerprint.
    public var summary: JSON {
        [
            "model": .string(definition.kind.rawValue), "vocabulary_size": JSON(vocabularySize),
            "merges": JSON(definition.merges.count), "added_tokens": JSON(addedTokens.count),
            "normalizer": Self.kind(definition.normalizer), "pre_tokenizer": Self.kind(definition.preTokenizer),
            "pattern": plan.pattern.map { .string($0.rawValue) } ?? .null,
            "post_processor": Self.kind(definition.postProcessor), "decoder": Self.kind(definition.decoder),
            "bos": named(bosID), "eos": named(eosID), "pad": named(padID), "unk": named(unkID),
            "longest_token": JSON(longestTokenBytes), "fingerprint": .string(fingerprint),
        ]
    }

    private func named(_ id: Int32?) -> JSON {
        guard let id, let text = token(of: id) else { return .null }
        return ["id": JSON(id), "token": .string(text)]
    }

    /// Bytes of the longest token's text.
    private var longestTokenBytes: Int {
        var longest = 0
        var before = 0
        for end in decodePlan.ends {
            longest = max(longest, end - before)
            before = end
        }
        return longest
    }

    /// "Sequence(Split, ByteLevel)": the types of a slot.
    private static func kind(_ slot: JSON) -> JSON {
        guard let type = slot["type"]?.string else { return .null }
        let inner = slot.object?.values.first { $0.array?.first?["type"] != nil }?.array ?? []
        if type != "Sequence" || inner.isEmpty { return .string(type) }
        return .string("Sequence(" + inner.map { kind($0).string ?? "?" }.joined(separator: ", ") + ")")
    }
}
