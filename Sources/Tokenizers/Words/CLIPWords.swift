/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`; the rest is left out.
enum CLIPWords {
    static let regex = #"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
    private static let marks = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.utf8) }
    private typealias F = CharacterFlags

    static func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = text.end(of: F.space, from: 0)
        while index < text.count {
            let stop = end(in: text, from: index)
            body(index, stop)
            index = text.end(of: F.space, from: stop)
        }
    }

    private static func end(in text: TextBytes, from start: Int) -> Int {
        let rest = UnsafeBufferPointer(start: text.base + start, count: text.count - start)
        if rest[0] == 0x3C, let mark = marks.first(where: { rest.starts(with: $0) }) { return start + mark.count }
        if rest[0] == 0x27 {
            let length = contraction(in: text, at: start, ignoringCase: false)
            if length > 0 { return start + length }
        }
        let (flags, length) = text.character(at: start)
        if flags & F.letter != 0 { return text.end(of: F.letter, from: start + length) }
        if flags & F.number != 0 { return start + length }
        return text.end(ofNone: F.space | F.letter | F.number, from: start + length)
    }
}
