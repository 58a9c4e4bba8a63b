/// Runs of anything but spaces; the spaces are left out.
struct SpaceWords: Sendable {
    @inline(__always)
    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = text.end(of: CharacterFlags.space, from: 0)
        while index < text.count {
            let end = text.end(ofNone: CharacterFlags.space, from: index)
            body(index, end)
            index = text.end(of: CharacterFlags.space, from: end)
        }
    }
}

/// BERT's words: spaces are left out, each punctuation mark stands alone.
struct BertWords: Sendable {
    private typealias F = CharacterFlags
    private let punctuation = ScalarBitmap.punctuation

    @inline(__always)
    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = text.end(of: F.space, from: 0)
        while index < text.count {
            let end = end(in: text, from: index)
            body(index, end)
            index = text.end(of: F.space, from: end)
        }
    }

    @inline(__always)
    private func end(in text: TextBytes, from start: Int) -> Int {
        var index = start
        while index < text.count {
            let (flags, length) = text.character(at: index)
            if flags & F.space != 0 { break }
            if flags & (F.punctuation | F.symbol) != 0, length == 1 || punctuation.character(of: text, at: index).isMember {
                return index == start ? index + length : index
            }
            index += length
        }
        return index
    }
}
