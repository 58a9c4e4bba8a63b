import QuintetFiles

/// BERT's `vocab.txt`: one token a line, its number the id.
enum VocabularyList {
    /// True if the first lines are single words and a special token in brackets is among the lines.
    static func isVocabularyList(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let head = bytes.prefix(2000)
        let lines = head.split(separator: 10, maxSplits: 200)
        guard lines.count > 4 else { return false }
        let hasSpaces = lines.dropLast().contains { $0.contains(0x20) }
        return !hasSpaces && bytes.split(separator: 10).contains { $0.trimmed.elementsEqual("[UNK]".utf8) }
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition()
        definition.source = source
        var number = 0
        try DocumentFiles.forEachLine(of: bytes) { (line, _) throws(FileError) in
            number += 1
            let token = Array(line.trimmedAtEnd)
            guard String(validating: token, as: UTF8.self) != nil, definition.tokens.insert(token).isNew else {
                throw FileError(
                    "a token is there twice or is no UTF-8", path: source, found: String(decoding: token, as: UTF8.self), line: number)
            }
            definition.ids.append(Int32(definition.ids.count))
        }
        let ids = ["[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"].map { definition.tokens.index(of: $0) }
        for (name, id) in zip(["[UNK]", "[SEP]", "[CLS]", "[PAD]", "[MASK]"], ids) {
            if let id { definition.addedTokens.append(AddedToken(id: Int32(id), content: name)) }
        }
        fillSlots(&definition, lowercases: !hasUpperCase(definition))
        if let sep = ids[1], let cls = ids[2] {
            definition.postProcessor = ["type": "BertProcessing", "sep": ["[SEP]", JSON(sep)], "cls": ["[CLS]", JSON(cls)]]
        }
        return definition
    }

    /// BERT's normalizer, words, model and decoder.
    static func fillSlots(_ definition: inout TokenizerDefinition, lowercases: Bool) {
        definition.kind = .wordPiece
        definition.normalizer = [
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": .bool(lowercases),
        ]
        definition.preTokenizer = ["type": "BertPreTokenizer"]
        definition.decoder = ["type": "WordPiece", "prefix": "##", "cleanup": true]
        definition.model = ["unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100]
    }

    /// True if a token other than those in brackets has a capital letter.
    private static func hasUpperCase(_ definition: TokenizerDefinition) -> Bool {
        (0..<definition.tokens.count).contains { index in
            let token = definition.tokens[index]
            if token.first == 0x5B, token.last == 0x5D { return false }
            return token.contains { (0x41...0x5A).contains($0) }
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Without spaces and line ends around it.
    var trimmed: Slice<UnsafeRawBufferPointer> { UnsafeRawBufferPointer(rebasing: self).trimmed }
}

extension UnsafeRawBufferPointer {
    /// Without spaces and line ends around it.
    var trimmed: Slice<UnsafeRawBufferPointer> {
        let end = trimmedAtEnd.count
        let start = prefix(end).firstIndex { ![9, 10, 13, 0x20].contains($0) } ?? end
        return self[start..<end]
    }

    /// Without spaces and line ends after it.
    var trimmedAtEnd: Slice<UnsafeRawBufferPointer> {
        var end = count
        while end > 0, [9, 10, 13, 0x20].contains(self[end - 1]) { end -= 1 }
        return self[..<end]
    }
}
