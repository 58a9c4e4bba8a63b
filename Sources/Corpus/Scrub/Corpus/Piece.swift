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
