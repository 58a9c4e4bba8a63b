/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:
/// cl100k and its descendants, which differ in how many digits make a word and in trailing spaces.
struct CL100KWords: WordRule {
    /// `\p{N}{1,digits}`.
    let digits: Int
    /// tiktoken's newer form tries `\s++$` first: spaces at the end of the text are one word, newlines or not.
    let joinsTrailingSpace: Bool
    private typealias F = CharacterFlags

    @inline(__always)
    func end(in text: TextBytes, from start: Int) -> Int {
        let (flags, length) = text.character(at: start)
        if flags & F.letter != 0 { return text.end(of: F.letter, from: start + length) }
        if text.base[start] == 0x27 {
            let length = contraction(in: text, at: start, ignoringCase: true)
            if length > 0 { return start + length }
        }
        if flags & F.number != 0 { return numberEnd(in: text, from: start) }
        let next = start + length
        let following = next < text.count ? text.character(at: next) : (flags: 0, length: 0)
        if flags & F.newline == 0, following.flags & F.letter != 0 {
            return text.end(of: F.letter, from: next + following.length)
        }
        if flags & F.space == 0 { return punctuationEnd(in: text, from: next) }
        let isMark = following.length > 0 && following.flags & (F.space | F.letter | F.number) == 0
        if text.base[start] == 0x20, isMark { return punctuationEnd(in: text, from: next + following.length) }
        return spaceEnd(in: text, from: start)
    }

    @inline(__always)
    private func numberEnd(in text: TextBytes, from start: Int) -> Int {
        var index = start
        for _ in 0..<digits where index < text.count {
            let (flags, length) = text.character(at: index)
            if flags & F.number == 0 { break }
            index += length
        }
        return index
    }

    /// The rest of `[^\s\p{L}\p{N}]+[\r\n]*`.
    @inline(__always)
    private func punctuationEnd(in text: TextBytes, from index: Int) -> Int {
        let stop = text.end(ofNone: F.space | F.letter | F.number, from: index)
        return text.end(of: F.newline, from: stop)
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last newline of the run, else all but the last space.
    private func spaceEnd(in text: TextBytes, from start: Int) -> Int {
        let runEnd = text.end(of: F.space, from: start)
        if joinsTrailingSpace && runEnd == text.count { return runEnd }
        var index = runEnd
        while index > start {
            if text.classes.bytes[Int(text.base[index - 1])] & F.newline != 0 { return index }
            index -= 1
        }
        return spacesEnd(in: text, from: start, runEnd: runEnd)
    }
}
