/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: GPT-2 and the `ByteLevel` pre-tokenizer.
struct GPT2Words: WordRule {
    private typealias F = CharacterFlags

    @inline(__always)
    func end(in text: TextBytes, from start: Int) -> Int {
        let first = text.base[start]
        if first == 0x27 {
            let length = contraction(in: text, at: start, ignoringCase: false)
            if length > 0 { return start + length }
        }
        let body = first == 0x20 && start + 1 < text.count ? start + 1 : start
        let (flags, length) = text.character(at: body)
        if flags & F.letter != 0 { return text.end(of: F.letter, from: body + length) }
        if flags & F.space != 0 {
            return spacesEnd(in: text, from: start, runEnd: text.end(of: F.space, from: body + length))
        }
        if flags & F.number != 0 { return text.end(of: F.number, from: body + length) }
        return text.end(ofNone: F.space | F.letter | F.number, from: body + length)
    }
}
