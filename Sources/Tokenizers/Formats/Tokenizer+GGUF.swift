public import QuintetFiles

extension Tokenizer {
    /// What a GGUF file says of this tokenizer.
    /// - Throws: `FileError` where the format, or llama.cpp's reading of it, has no words for how this one works.
    public var ggufVocabulary: GGUFVocabulary {
        get throws(FileError) {
            let isByteLevel = plan.alphabet == .bytes
            var vocabulary = GGUFVocabulary(model: isByteLevel ? "gpt2" : "llama", tokens: [], source: definition.source)
            for id in 0..<Int32(vocabularySize) { vocabulary.tokens.append(token(of: id) ?? "[PAD\(id)]") }
            vocabulary.kinds = kinds(isByteLevel)
            (vocabulary.bos, vocabulary.eos) = (bosID.map { Int($0) }, eosID.map { Int($0) })
            (vocabulary.unknown, vocabulary.padding) = (unkID.map { Int($0) }, padID.map { Int($0) })
            (vocabulary.addsBOS, vocabulary.addsEOS) = (!frame.before.isEmpty, !frame.after.isEmpty)
            vocabulary.chatTemplate = configuration["chat_template"]?.string
            if isByteLevel { try fillByteLevel(&vocabulary) } else { try fillPieces(&vocabulary) }
            return vocabulary
        }
    }

    private func kinds(_ isByteLevel: Bool) -> [Int] {
        var kinds = [Int](repeating: GGUFVocabulary.Kind.normal.rawValue, count: vocabularySize)
        for id in kinds.indices {
            guard let text = token(of: Int32(id)) else {
                kinds[id] = GGUFVocabulary.Kind.unused.rawValue
                continue
            }
            if !isByteLevel, GGUFVocabulary.byte(text) != nil { kinds[id] = GGUFVocabulary.Kind.byte.rawValue }
        }
        for token in addedTokens { kinds[Int(token.id)] = (token.special ? GGUFVocabulary.Kind.control : .userDefined).rawValue }
        if let unkID, !isByteLevel { kinds[Int(unkID)] = GGUFVocabulary.Kind.unknown.rawValue }
        return kinds
    }

    private func fillByteLevel(_ vocabulary: inout GGUFVocabulary) throws(FileError) {
        let words = try PreTokenizer.read(definition.preTokenizer, source: definition.source)
        guard case .bpe = definition.kind, let cut = GGUFPreTokenizer.all.first(where: { (try? PreTokenizer.read($0.slot, source: "")) == words }), definition.normalizer.isNull
        else { throw unsayable("pre_tokenizer", definition.preTokenizer.serialized()) }
        vocabulary.pre = cut.names[0]
        let names = names(of: definition)
        vocabulary.merges = definition.merges.map { "\(names[$0.left] ?? "") \(names[$0.right] ?? "")" }
    }

    /// SentencePiece's way: pieces with scores, "▁" for spaces. A piece's score is the rank of the merge that makes it.
    private func fillPieces(_ vocabulary: inout GGUFVocabulary) throws(FileError) {
        let slots = definition.normalizer.serialized() + definition.preTokenizer.serialized()
        guard case .bpe = definition.kind, slots.contains("▁"), !slots.contains("charsmap\":\"") else { throw unsayable("normalizer", definition.normalizer.serialized()) }
        vocabulary.scores = [Float](repeating: 0, count: vocabulary.tokens.count)
        for id in vocabulary.tokens.indices where vocabulary.kind(id) == .normal { vocabulary.scores[id] = -Float(definition.merges.count + 1) }
        if definition.scores.count == definition.ids.count {
            for (index, id) in definition.ids.enumerated() { vocabulary.scores[Int(id)] = Float(definition.scores[index]) }
        }
        for (rank, merge) in definition.merges.enumerated() where definition.scores.isEmpty {
            vocabulary.scores[Int(merge.id)] = max(vocabulary.scores[Int(merge.id)], -Float(rank + 1))
        }
        vocabulary.pre = "default"
        vocabulary.addsSpacePrefix = slots.contains("Prepend") || slots.contains("Metaspace")
    }

    private func names(of definition: TokenizerDefinition) -> [Int32: String] {
        var names: [Int32: String] = [:]
        for (index, id) in definition.ids.enumerated() { names[id] = String(decoding: definition.tokens[index], as: UTF8.self) }
        return names
    }

    private func unsayable(_ field: String, _ found: String) -> FileError {
        FileError("GGUF has no words for this tokenizer", path: definition.source, field: field, found: found)
    }
}

extension Tokenizer {
    /// The whole tokenizer.json.
    public var json: JSON { definition.json }
}
