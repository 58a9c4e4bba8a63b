import QuintetFiles

/// A SentencePiece `.model` file (Llama 2, T5, ALBERT): pieces with scores, and how text is normalized.
struct SentencePieceFile {
    private var vocabulary = PieceVocabulary()
    private var modelType: UInt64 = 1
    private var bos: Int?
    private var source: String { vocabulary.source }

    /// True if the bytes begin like one: a piece that begins with its text.
    static func isSentencePiece(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 4 && bytes[0] == 0x0A && bytes[1] < 0x80 && bytes[1] != 0x7B && bytes[2] == 0x0A
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        try SentencePieceFile(bytes, source: source).definition()
    }

    private init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        vocabulary.source = source
        vocabulary.unknownText = " \u{2047} "
        var reader = ProtobufReader(bytes, source: source)
        while let (field, value) = try reader.next() {
            guard case .bytes(let message) = value else { continue }
            let start = reader.offset - message.count
            switch field {
            case 1: vocabulary.pieces.append(try piece(message, start))
            case 2: try readTraining(message, start)
            case 3: try readNormalizer(message, start)
            default: break
            }
        }
    }

    private func piece(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) -> PieceVocabulary.Piece {
        var reader = ProtobufReader(message, source: source, base: start)
        var piece = PieceVocabulary.Piece()
        var type: UInt64 = 1
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let text)): piece.text = Array(text)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let number)): type = number
            default: break
            }
        }
        let number = vocabulary.pieces.count
        let longest = PieceVocabulary.longestPiece
        guard (1...longest).contains(piece.text.count), !piece.text.contains(0), String(validating: piece.text, as: UTF8.self) != nil else {
            throw FileError(
                "not a piece", path: source, field: "pieces[\(number)].piece", offset: start,
                expected: "1 to \(longest) bytes of UTF-8, none of them zero", found: "\(piece.text.count) bytes")
        }
        guard piece.score.isFinite, let role = UInt8(exactly: type).flatMap({ PieceRole(rawValue: $0) }) else {
            throw FileError(
                "not a piece", path: source, field: "pieces[\(number)]", offset: start,
                expected: "a finite score and a type of 1 to 6", found: "\(piece.score), \(type)")
        }
        piece.role = role
        return piece
    }

    private mutating func readTraining(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) {
        var reader = ProtobufReader(message, source: source, base: start)
        while let (field, value) = try reader.next() {
            if field == 44, case .bytes(let text) = value { vocabulary.unknownText = String(decoding: text, as: UTF8.self) }
            guard case .integer(let number) = value else { continue }
            switch field {
            case 3: modelType = number
            case 24: vocabulary.marksEnd = number != 0
            case 35: vocabulary.fallsBackToBytes = number != 0
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: UnsafeRawBufferPointer, _ start: Int) throws(FileError) {
        var reader = ProtobufReader(message, source: source, base: start)
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .bytes(let map)): vocabulary.characterMap = Array(map)
            case (3, .integer(let flag)): vocabulary.addsPrefix = flag != 0
            case (4, .integer(let flag)): vocabulary.removesExtraSpaces = flag != 0
            case (5, .integer(let flag)): vocabulary.escapesSpaces = flag != 0
            default: break
            }
        }
    }

    private func definition() throws(FileError) -> TokenizerDefinition {
        var vocabulary = vocabulary
        switch modelType {
        case 1: vocabulary.algorithm = .unigram(.single)
        case 2: vocabulary.algorithm = .merges
        case 4: vocabulary.algorithm = .characters
        default:
            throw FileError(
                "this kind of SentencePiece model is not supported", path: source, field: "trainer_spec.model_type",
                expected: "Unigram, BPE or character", found: modelType == 3 ? "word" : "\(modelType)")
        }
        guard let unknown = vocabulary.pieces.firstIndex(where: { $0.role == .unknown }) else {
            throw FileError("there is no unknown piece", path: source, field: "pieces")
        }
        vocabulary.unknown = unknown
        vocabulary.fallsBackToBytes = vocabulary.pieces.contains { $0.role == .byte }
        let name = { (name: String) in
            vocabulary.pieces.firstIndex { $0.role == .control && $0.text.elementsEqual(name.utf8) }
        }
        // Llama writes a BOS, T5 and its like an EOS: what is customary for the two kinds of model.
        if case .merges = vocabulary.algorithm, let bos = name("<s>") { vocabulary.before = [bos] }
        if case .unigram = vocabulary.algorithm, name("<s>") == nil, let eos = name("</s>") { vocabulary.after = [eos] }
        return try vocabulary.definition()
    }
}
