import QuintetFiles

/// RWKV's vocabulary: lines of "id literal length", the literal as Python writes strings and bytes; text is cut greedily.
enum WorldVocabulary {
    private static let longestToken = 512

    static func isWorldVocabulary(_ bytes: UnsafeRawBufferPointer) -> Bool {
        entry(bytes.prefix(600).prefix { $0 != 10 }) != nil
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition(slotsFor: .gpt2)
        definition.source = source
        var number = 0
        var ids: [Int32] = []
        var tokens = ByteStringTable()
        // Id 0 stands for the end of text and has no bytes.
        tokens.insert("<|endoftext|>")
        ids.append(0)
        try DocumentFiles.forEachLine(of: bytes) { (line, _) throws(FileError) in
            number += 1
            if line.isEmpty { return }
            guard let (id, token) = entry(line[...]), (1...longestToken).contains(token.count), id > 0,
                tokens.insert(ByteAlphabet.encode(token)).isNew
            else {
                throw FileError("not a token", path: source, expected: "an id, a literal of its own and its length", line: number)
            }
            ids.append(id)
        }
        (definition.tokens, definition.ids) = (tokens, ids)
        definition.pieceRoles = [.control] + Array(repeating: .normal, count: ids.count - 1)
        definition.addedTokens = [AddedToken(id: 0, content: "<|endoftext|>")]
        definition.addedTokens[0].isSearched = false
        definition.kind = .wordPiece
        definition.model = [
            "unk_token": "<|endoftext|>", "continuing_subword_prefix": "", "max_input_chars_per_word": JSON(Int32.max),
        ]
        definition.preTokenizer = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
        return definition
    }

    private static func entry(_ line: Slice<UnsafeRawBufferPointer>) -> (Int32, [UInt8])? {
        let line = line.trimmed
        guard let first = line.firstIndex(of: 0x20), let last = line.lastIndex(of: 0x20), first < last,
            let id = Int32(String(decoding: line[..<first], as: UTF8.self)),
            let length = Int(String(decoding: line[(last + 1)...], as: UTF8.self)),
            let token = literal(Array(line[(first + 1)..<last])), token.count == length
        else { return nil }
        return (id, token)
    }

    private static let escapes: [UInt8: UInt8] = [0x6E: 10, 0x72: 13, 0x74: 9, 0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x30: 0]

    /// The bytes of `'..'`, `".."` (characters) or `b'..'` (bytes).
    private static func literal(_ text: [UInt8]) -> [UInt8]? {
        let isBytes = text.first == 0x62
        let body = isBytes ? text.dropFirst() : text[...]
        guard body.count >= 2, let quote = body.first, quote == 0x27 || quote == 0x22, body.last == quote else { return nil }
        let inside = Array(body.dropFirst().dropLast())
        var out: [UInt8] = []
        var index = 0
        while index < inside.count {
            guard inside[index] == 0x5C, index + 1 < inside.count else {
                out.append(inside[index])
                index += 1
                continue
            }
            let letter = inside[index + 1]
            index += 2
            let digits = [UInt8(0x78): 2, 0x75: 4, 0x55: 8][letter] ?? 0
            if digits > 0 {
                guard index + digits <= inside.count,
                    let code = UInt32(String(decoding: inside[index..<index + digits], as: UTF8.self), radix: 16)
                else { return nil }
                if isBytes { out.append(UInt8(truncatingIfNeeded: code)) } else { appendScalar(code, to: &out) }
                index += digits
            } else {
                guard let byte = escapes[letter] else { return nil }
                out.append(byte)
            }
        }
        return out
    }
}
