import QuintetFiles

/// The tokenizer file of llama2.c: the longest piece's length, then for each piece its score, length and text.
enum StoriesFile {
    /// True if the bytes begin like one: a length, then the piece `<unk>` with score 0.
    static func isStoriesFile(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 17 && bytes[8...11].elementsEqual([5, 0, 0, 0]) && bytes[12...16].elementsEqual("<unk>".utf8)
    }

    static func definition(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> TokenizerDefinition {
        var reader = ByteReader(bytes, source: source)
        _ = try reader.integer(UInt32.self, "max_token_length")
        var vocabulary = PieceVocabulary()
        vocabulary.source = source
        while reader.remaining > 0 {
            let number = vocabulary.pieces.count
            let score = try reader.float("pieces[\(number)].score")
            let length = try reader.integer(UInt32.self, "pieces[\(number)].length")
            guard (1...PieceVocabulary.longestPiece).contains(Int(length)), score.isFinite else {
                throw FileError(
                    "not a piece", path: source, field: "pieces[\(number)]", offset: reader.offset,
                    expected: "a finite score and 1 to \(PieceVocabulary.longestPiece) bytes", found: "\(score), \(length) bytes")
            }
            let text = try reader.bytes(Int(length), "pieces[\(number)].text")
            vocabulary.pieces.append(piece(Array(text), score, number))
        }
        vocabulary.removesExtraSpaces = false
        vocabulary.fallsBackToBytes = true
        vocabulary.unknown = 0
        if vocabulary.pieces.count > 1 { vocabulary.before = [1] }
        return try vocabulary.definition()
    }

    /// The file holds spaces where SentencePiece has "▁", and line breaks around the control pieces.
    private static func piece(_ text: [UInt8], _ score: Float, _ number: Int) -> PieceVocabulary.Piece {
        let isControl = number == 1 || number == 2
        let text = isControl ? text.filter { $0 != 10 } : text
        let role: PieceRole = number == 0 ? .unknown : isControl ? .control : DecodePlan.byteValue(text) != nil ? .byte : .normal
        return .init(text: Normalizer.replacing(.text([0x20]), with: Metaspace.usual, in: text), score: score, role: role)
    }
}
