import QuintetFiles

/// A SentencePiece `.model` file of the BPE kind (Llama 2, Mistral): pieces with scores become a vocabulary and merges.
struct SentencePieceFile {
    private struct Piece {
        var text: [UInt8] = []
        var score: Float = 0
        var type: UInt64 = 1  // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
    }

    /// Longest piece, bytes: finding the ways to split one takes time with the square of its length.
    private static let longestPiece = 512

    private let source: String
    private var pieces: [Piece] = []
    private var modelType: UInt64 = 1
    private var addsPrefix = true
    private var removesExtraSpaces = true
    private var hasCharacterMap = false

    /// True if the bytes begin like one: a piece that begins with its text.
    static func isSentencePiece(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 4 && bytes[0] == 0x0A && bytes[1] < 0x80 && bytes[1] != 0x7B && bytes[2] == 0x0A
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        try SentencePieceFile(bytes, source: source).definition()
    }

    /// The definition of a GGUF file's pieces.
    static func definition(_ vocabulary: GGUFVocabulary) throws(FileError) -> TokenizerDefinition {
        var definition = try SentencePieceFile(vocabulary).definition()
        definition.postProcessor = vocabulary.frame(vocabulary.addsBOS ?? true)
        definition.addedTokens = vocabulary.addedTokens
        return definition
    }

    private init(_ vocabulary: GGUFVocabulary) {
        source = vocabulary.source
        modelType = 2
        addsPrefix = vocabulary.addsSpacePrefix ?? true
        removesExtraSpaces = false
        for (id, token) in vocabulary.tokens.enumerated() {
            var kind = vocabulary.kind(id)
            if id == vocabulary.unknown { kind = .unknown }
            pieces.append(Piece(text: Array(token.utf8), score: vocabulary.scores.isEmpty ? 0 : vocabulary.scores[id], type: UInt64(kind.rawValue)))
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        self.source = source
        var reader = ProtobufReader(bytes, source: source)
        while let (field, value) = try reader.next() {
            guard case .bytes(let message) = value else { continue }
            let start = reader.offset - message.count
            switch field {
            case 1: pieces.append(try piece(message, start))
            case 2: try readTraining(message, start)
            case 3: try readNormalizer(message, start)
            default: break
            }
        }
    }

    private func piece(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) -> Piece {
        var reader = ProtobufReader(message, source: source, base: start)
        var piece = Piece()
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)): piece.text = Array(text)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let type)): piece.type = type
            default: break
            }
        }
        guard (1...Self.longestPiece).contains(piece.text.count), String(validating: piece.text, as: UTF8.self) != nil else {
            throw FileError(
                "not a piece", path: source, field: "pieces[\(pieces.count)].piece", offset: start,
                expected: "1 to \(Self.longestPiece) bytes of UTF-8", found: "\(piece.text.count) bytes")
        }
        guard piece.score.isFinite, (1...6).contains(piece.type) else {
            throw FileError(
                "not a piece", path: source, field: "pieces[\(pieces.count)]", offset: start,
                expected: "a finite score and a type of 1 to 6", found: "\(piece.score), \(piece.type)")
        }
        return piece
    }

    private mutating func readTraining(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) {
        var reader = ProtobufReader(message, source: source, base: start)
        while let (field, value) = try reader.next() {
            if field == 3, case .integer(let type) = value { modelType = type }
        }
    }

    private mutating func readNormalizer(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) {
        var reader = ProtobufReader(message, source: source, base: start)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .bytes(let map)): hasCharacterMap = !map.isEmpty
            case (3, .integer(let flag)): addsPrefix = flag != 0
            case (4, .integer(let flag)): removesExtraSpaces = flag != 0
            default: break
            }
        }
    }

    private func definition() throws(FileError) -> TokenizerDefinition {
        let names: [UInt64: String] = [1: "Unigram", 2: "BPE", 3: "word", 4: "character"]
        guard modelType == 2 else {
            throw FileError(
                "this kind of SentencePiece model is not supported", path: source, field: "trainer_spec.model_type",
                expected: "BPE", found: names[modelType] ?? "\(modelType)")
        }
        guard !hasCharacterMap, !removesExtraSpaces else {
            throw FileError(
                "this SentencePiece normalization is not supported", path: source, field: "normalizer_spec",
                expected: "identity, extra spaces kept")
        }
        guard let unknown = pieces.firstIndex(where: { $0.type == 2 }) else {
            throw FileError("there is no unknown piece", path: source, field: "pieces")
        }
        var definition = TokenizerDefinition()
        definition.source = source
        for (index, piece) in pieces.enumerated() {
            guard definition.tokens.insert(piece.text).isNew else {
                throw FileError("a piece is there twice", path: source, field: "pieces[\(index)]")
            }
            definition.ids.append(Int32(index))
        }
        definition.addedTokens = addedTokens
        definition.merges = merges(definition.tokens)
        fillSlots(&definition, unknown: String(decoding: pieces[unknown].text, as: UTF8.self))
        return definition
    }

    /// Control pieces are never found in text; the user's own are.
    private var addedTokens: [AddedToken] {
        pieces.enumerated().filter { (2...4).contains($0.element.type) }.map { index, piece in
            var token = AddedToken(id: Int32(index), content: String(decoding: piece.text, as: UTF8.self))
            token.special = piece.type != 4
            token.isSearched = piece.type == 4
            return token
        }
    }

    /// Two neighbours merge if together they are a piece, the highest score first.
    private func merges(_ tokens: ByteStringTable) -> [TokenizerDefinition.Merge] {
        let order = pieces.indices.filter { pieces[$0].type == 1 || pieces[$0].type == 4 }
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

    /// The slots that the `tokenizers` library uses for such files.
    private func fillSlots(_ definition: inout TokenizerDefinition, unknown: String) {
        let replace: JSON = ["type": "Replace", "pattern": ["String": " "], "content": "▁"]
        let prepend: JSON = ["type": "Prepend", "prepend": "▁"]
        let steps: [JSON] = addsPrefix ? [prepend, replace] : [replace]
        definition.normalizer = ["type": "Sequence", "normalizers": .array(steps)]
        var decoders: [JSON] = [
            ["type": "Replace", "pattern": ["String": "▁"], "content": " "], ["type": "ByteFallback"], ["type": "Fuse"],
        ]
        if addsPrefix { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
        definition.decoder = ["type": "Sequence", "decoders": .array(decoders)]
        definition.model = [
            "type": "BPE", "dropout": nil, "unk_token": .string(unknown), "continuing_subword_prefix": nil,
            "end_of_word_suffix": nil, "fuse_unk": true, "byte_fallback": .bool(pieces.contains { $0.type == 6 }),
            "ignore_merges": false,
        ]
        guard let bos = definition.tokens.index(of: "<s>") else { return }
        let single: JSON = [["SpecialToken": ["id": "<s>", "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]]]
        definition.postProcessor = [
            "type": "TemplateProcessing", "single": single, "pair": single,
            "special_tokens": ["<s>": ["id": "<s>", "ids": [JSON(bos)], "tokens": ["<s>"]]],
        ]
    }
}
