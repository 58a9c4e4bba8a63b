import QuintetFiles

/// A SentencePiece vocabulary on its way to a definition: from a `.model` file, a llama2.c file or a GGUF file.
struct PieceVocabulary {
    struct Piece {
        var text: [UInt8] = []
        var score: Float = 0
        var role = PieceRole.normal
    }

    /// How pieces are found in text.
    enum Algorithm: Sendable {
        case merges, unigram(UnigramModel.Arithmetic)
        /// Every character is a piece.
        case characters
    }

    var pieces: [Piece] = []
    var algorithm = Algorithm.merges
    var characterMap: [UInt8] = []
    var addsPrefix = true
    var removesExtraSpaces = true
    var marksEnd = false
    var escapesSpaces = true
    var fallsBackToBytes = false
    var unknown: Int?
    /// Control pieces and the user's own are found in text before anything else (GGUF): words end there.
    var findsTokens = false
    /// What an unknown piece becomes in text; nil: decoding goes through the slots of the `tokenizers` format.
    var unknownText: String?
    /// Ids put before and after a text.
    var before: [Int] = []
    var after: [Int] = []
    var source = ""

    /// Longest piece, bytes: finding the ways to split one takes time with the square of its length.
    static let longestPiece = 512

    func definition() throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition()
        definition.source = source
        definition.tokens = ByteStringTable(capacity: pieces.count)
        for (index, piece) in pieces.enumerated() {
            guard definition.tokens.insert(piece.text).isNew else {
                throw FileError(
                    "a piece is there twice", path: source, field: "pieces[\(index)]", found: String(decoding: piece.text, as: UTF8.self))
            }
            definition.ids.append(Int32(index))
        }
        definition.pieceRoles = pieces.map(\.role)
        definition.scores = pieces.map { Double($0.score) }
        definition.addedTokens = addedTokens
        fillModel(&definition)
        fillSlots(&definition)
        definition.postProcessor = TokenizerDefinition.template(before: before, after: after, in: definition)
        return definition
    }

    /// SentencePiece itself never finds control pieces in text, and the user's own are found by the model.
    private var addedTokens: [AddedToken] {
        pieces.enumerated().filter { [.unknown, .control, .userDefined].contains($0.element.role) }.map { index, piece in
            var token = AddedToken(id: Int32(index), content: String(decoding: piece.text, as: UTF8.self))
            token.special = piece.role != .userDefined
            token.isSearched = findsTokens
            return token
        }
    }

    private func fillModel(_ definition: inout TokenizerDefinition) {
        switch algorithm {
        case .unigram(let arithmetic):
            definition.kind = .unigram
            definition.model = ["unk_id": unknown.map { JSON($0) } ?? .null, "byte_fallback": .bool(fallsBackToBytes)]
            if arithmetic == .single { definition.model["arithmetic"] = "single" }
        case .merges, .characters:
            if case .merges = algorithm { definition.merges = merges(definition.tokens) }
            let name = unknown.map { JSON.string(String(decoding: pieces[$0].text, as: UTF8.self)) } ?? .null
            definition.model = [
                "dropout": nil, "unk_token": name, "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": true,
                "byte_fallback": .bool(fallsBackToBytes), "ignore_merges": false,
            ]
        }
    }

    /// Two neighbours merge if together they are a piece, the highest score first.
    private func merges(_ tokens: ByteStringTable) -> [TokenizerDefinition.Merge] {
        let order = pieces.indices.filter { pieces[$0].role.isFoundInText }
            .sorted { (-pieces[$0].score, $0) < (-pieces[$1].score, $1) }
        return order.flatMap { id -> [TokenizerDefinition.Merge] in
            let text = pieces[id].text
            let cuts = text.indices.dropFirst().filter { text[$0] & 0xC0 != 0x80 }
            return text.withUnsafeBufferPointer { bytes in
                cuts.compactMap { cut in
                    guard let left = tokens.index(of: UnsafeBufferPointer(rebasing: bytes[..<cut])),
                        let right = tokens.index(of: UnsafeBufferPointer(rebasing: bytes[cut...]))
                    else { return nil }
                    return .init(left: Int32(left), right: Int32(right), id: Int32(id))
                }
            }
        }
    }

    /// Text that is only escaped goes through the slots of the `tokenizers` format; all else through SentencePiece's own normalizer.
    private func fillSlots(_ definition: inout TokenizerDefinition) {
        let userDefined = findsTokens ? [] : pieces.filter { $0.role == .userDefined }.map { JSON.string(String(decoding: $0.text, as: UTF8.self)) }
        let replace: JSON = ["type": "Replace", "pattern": ["String": " "], "content": "▁"]
        let prepend: JSON = ["type": "Prepend", "prepend": "▁"]
        if characterMap.isEmpty, !removesExtraSpaces, !marksEnd, escapesSpaces, userDefined.isEmpty {
            definition.normalizer = ["type": "Sequence", "normalizers": .array(addsPrefix ? [prepend, replace] : [replace])]
        } else {
            definition.normalizer = [
                "type": "SentencePiece", "precompiled_charsmap": characterMap.isEmpty ? nil : .string(Base64.encode(characterMap)),
                "add_dummy_prefix": .bool(addsPrefix), "remove_extra_whitespaces": .bool(removesExtraSpaces),
                "treat_whitespace_as_suffix": .bool(marksEnd), "escape_whitespaces": .bool(escapesSpaces),
                "user_defined": .array(userDefined),
            ]
        }
        if let unknownText {
            definition.decoder = decoder(unknownText)
            return
        }
        var decoders: [JSON] = [
            ["type": "Replace", "pattern": ["String": "▁"], "content": " "], ["type": "ByteFallback"], ["type": "Fuse"],
        ]
        if addsPrefix && !marksEnd { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
        if addsPrefix && marksEnd { decoders.append(["type": "Strip", "content": " ", "start": 0, "stop": 1]) }
        definition.decoder = ["type": "Sequence", "decoders": .array(decoders)]
    }

    private func decoder(_ unknownText: String) -> JSON {
        func text(_ piece: Piece) -> JSON { .string(String(decoding: piece.text, as: UTF8.self)) }
        return [
            "type": "SentencePiece", "unk": unknown.map { text(pieces[$0]) } ?? .null, "unk_surface": .string(unknownText),
            "controls": .array(pieces.filter { $0.role == .control }.map(text)),
            "leading": removesExtraSpaces ? "every" : addsPrefix ? "first" : "none",
        ]
    }
}

extension TokenizerDefinition {
    /// A post-processor that puts tokens around a text; null for none.
    static func template(before: [Int], after: [Int], in definition: TokenizerDefinition) -> JSON {
        if before.isEmpty && after.isEmpty { return .null }
        var names: [Int: String] = [:]
        for (index, id) in definition.ids.enumerated() where before.contains(Int(id)) || after.contains(Int(id)) {
            names[Int(id)] = String(decoding: definition.tokens[index], as: UTF8.self)
        }
        func special(_ id: Int) -> JSON { ["SpecialToken": ["id": .string(names[id] ?? ""), "type_id": 0]] }
        let single = before.map(special) + [["Sequence": ["id": "A", "type_id": 0]]] + after.map(special)
        let pair = single + before.map(special) + [["Sequence": ["id": "B", "type_id": 1]]] + after.map(special)
        var tokens = JSONObject()
        for id in before + after {
            let name = names[id] ?? ""
            tokens[name] = ["id": .string(name), "ids": [JSON(id)], "tokens": [.string(name)]]
        }
        return ["type": "TemplateProcessing", "single": .array(single), "pair": .array(pair), "special_tokens": .object(tokens)]
    }
}
