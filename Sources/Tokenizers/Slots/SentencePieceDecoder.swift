import QuintetFiles

/// Pieces back to text as SentencePiece does it itself: control pieces are nothing, unknown ones a sign, bytes become characters one
/// by one, and the space that was put in front goes.
struct SentencePieceDecoder: Sendable {
    /// Which pieces lose a space in front while there is no text yet.
    enum Leading: String, Sendable {
        case none, first, every
    }

    let leading: Leading
    let unknown: [UInt8]
    let unknownText: [UInt8]
    let controls: Set<[UInt8]>

    /// Members: `leading`, `unk`, `unk_surface`, `controls`.
    init(_ json: JSON) {
        leading = json["leading"]?.string.flatMap { Leading(rawValue: $0) } ?? .first
        unknown = Array((json["unk"]?.string ?? "<unk>").utf8)
        unknownText = Array((json["unk_surface"]?.string ?? " \u{2047} ").utf8)
        controls = Set((json["controls"]?.array ?? []).compactMap { $0.string.map { Array($0.utf8) } })
    }

    /// The text of a piece that is no byte.
    func text(of piece: [UInt8]) -> [UInt8] {
        if piece == unknown { return unknownText }
        if controls.contains(piece) { return [] }
        return piece.isEmpty ? piece : Normalizer.replacing(.text(Metaspace.usual), with: [0x20], in: piece)
    }
}
