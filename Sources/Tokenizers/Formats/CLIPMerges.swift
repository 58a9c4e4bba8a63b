import QuintetFiles

/// CLIP's `bpe_simple_vocab_16e6.txt` (OpenAI 2021): merges alone, whose order makes the vocabulary; a word's last piece ends in `</w>`.
enum CLIPMerges {
    /// CLIP reads so many of the file's merges: a vocabulary of 49,152 with the bytes, alone and at the end of a word, leaves out two.
    private static let mostMerges = 49152 - 256 - 2
    private static let end = "</w>"
    static let start = "<|startoftext|>", stop = "<|endoftext|>"

    /// True for a list of merges with ends of words near its beginning.
    static func isMerges(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.prefix(200).split(separator: 10).first, String(decoding: first, as: UTF8.self).contains("#version:") else { return false }
        let pairs = bytes.prefix(4000).split(separator: 10).dropFirst().dropLast()
        return pairs.allSatisfy { $0.split(separator: 0x20).count == 2 } && pairs.contains { String(decoding: $0, as: UTF8.self).hasSuffix(end) }
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition(slotsFor: .gpt2)
        definition.source = source
        let letters = ByteAlphabet.scalars.sorted().compactMap { Unicode.Scalar($0) }.map { String(Character($0)) }
        var tokens = letters + letters.map { $0 + end }
        var pairs: [JSON] = []
        var number = 0
        try DocumentFiles.forEachLine(of: bytes) { (line, _) throws(FileError) in
            number += 1
            if number == 1 || pairs.count == mostMerges || line.isEmpty { return }
            let parts = line.trimmed.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count == 2 else {
                throw FileError("not a merge", path: source, expected: "two pieces", found: String(decoding: line.prefix(60), as: UTF8.self), line: number)
            }
            tokens.append(parts[0] + parts[1])
            pairs.append(.string(parts.joined(separator: " ")))
        }
        for token in tokens + [start, stop] where definition.tokens.insert(Array(token.utf8)).isNew { definition.ids.append(Int32(definition.ids.count)) }
        fillSlots(&definition)
        try definition.checkIDs()
        try definition.readMerges(.array(pairs))
        return definition
    }

    /// CLIP's normalizer, words, ends and decoder around a vocabulary that has its two tokens.
    static func fillSlots(_ definition: inout TokenizerDefinition) {
        definition.normalizer = [
            "type": "Sequence",
            "normalizers": [["type": "NFC"], ["type": "Replace", "pattern": ["Regex": "\\s+"], "content": " "], ["type": "Lowercase"]],
        ]
        definition.preTokenizer = [
            "type": "Sequence",
            "pretokenizers": [
                ["type": "Split", "pattern": ["Regex": .string(CLIPWords.regex)], "behavior": "Removed", "invert": true],
                ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true],
            ],
        ]
        definition.decoder = ["type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true]
        for (key, value) in [("unk_token", JSON.string(stop)), ("continuing_subword_prefix", ""), ("end_of_word_suffix", .string(end))] { definition.model[key] = value }
        let ids = [start, stop].map { name in definition.tokens.index(of: name).map { definition.ids[$0] } }
        for (name, id) in zip([start, stop], ids) { if let id { definition.addedTokens.append(AddedToken(id: id, content: name)) } }
        guard let first = ids[0], let last = ids[1] else { return }
        definition.postProcessor = [
            "type": "RobertaProcessing", "sep": [.string(stop), JSON(Int(last))], "cls": [.string(start), JSON(Int(first))],
            "trim_offsets": false, "add_prefix_space": false,
        ]
    }
}
