import QuintetFiles

/// GPT-2's two files: `vocab.json` (token to id) and `merges.txt` (pairs by rank).
enum VocabularyAndMerges {
    /// True for an object of names and whole numbers.
    static func isVocabulary(_ json: JSON) -> Bool {
        guard let object = json.object, object.count > 1 else { return false }
        return object.prefix(20).allSatisfy { $0.value.int != nil }
    }

    /// True for text whose first line is "#version" or a pair, and whose others are pairs.
    static func isMerges(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let lines = bytes.prefix(1000).split(separator: 10).dropLast()
        guard lines.count > 2 else { return false }
        return lines.enumerated().allSatisfy { index, line in
            index == 0 && line.starts(with: Array("#version".utf8)) || line.trimmed.split(separator: 0x20).count == 2
        }
    }

    static func definition(vocabulary: JSON, merges: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition(slotsFor: .gpt2)
        definition.source = source
        try definition.readVocabulary(vocabulary)
        var pairs: [JSON] = []
        try DocumentFiles.forEachLine(of: merges) { (line, _) throws(FileError) in
            if line.isEmpty || pairs.isEmpty && line.starts(with: Array("#version".utf8)) { return }
            pairs.append(.string(String(decoding: line.trimmed, as: UTF8.self)))
        }
        if definition.tokens.index(of: CLIPMerges.start) != nil, CLIPMerges.isMerges(merges) {
            CLIPMerges.fillSlots(&definition)
            try definition.checkIDs()
            try definition.readMerges(.array(pairs))
            return definition
        }
        for name in ["<|endoftext|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>"] {
            guard let index = definition.tokens.index(of: name) else { continue }
            var token = AddedToken(id: definition.ids[index], content: name)
            token.stripsLeft = name == "<mask>"
            definition.addedTokens.append(token)
        }
        try definition.checkIDs()
        try definition.readMerges(.array(pairs))
        return definition
    }
}
