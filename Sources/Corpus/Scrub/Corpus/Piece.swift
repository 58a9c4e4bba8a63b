/// What of a text is compared with other documents.
enum Piece: String, CaseIterable {
    case line
    /// What blank lines end.
    case paragraph

    /// The pieces of a text as spans of its bytes, what ends each included.
    func split(_ text: UnsafeBufferPointer<UInt8>) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var (start, i) = (0, 0)
        while i < text.count {
            guard text[i] == 10 else {
                i += 1
                continue
            }
            var end = i + 1
            if self == .paragraph {
                while end < text.count, text[end] == 10 { end += 1 }
                if end - i < 2, end < text.count {
                    i = end
                    continue
                }
            }
            pieces.append(start..<end)
            (start, i) = (end, end)
        }
        if start < text.count { pieces.append(start..<text.count) }
        return pieces
    }
}

/// What a document leaves for each piece (or run of words) that is compared.
struct PieceRow: KeyedRow {
    static let size = 16
    var hash: UInt64
    var document: UInt32
    /// Of the piece in its document.
    var number: UInt32

    static func < (a: PieceRow, b: PieceRow) -> Bool {
        if a.hash != b.hash { return a.hash < b.hash }
        return a.document != b.document ? a.document < b.document : a.number < b.number
    }

    func sharesKey(with other: PieceRow) -> Bool { hash == other.hash }
}

extension PieceRow {
    init(_ raw: UnsafeRawBufferPointer, first: UInt32) { self.init(hash: raw.u64(0), document: first + raw.u32(8), number: raw.u32(12)) }

    func append(to out: inout [UInt8]) {
        out.append(number: hash)
        out.append(number: document)
        out.append(number: number)
    }
}
