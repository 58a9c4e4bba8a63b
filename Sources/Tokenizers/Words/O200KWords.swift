/// o200k (GPT-4o, gpt-oss) and Mistral's tekken: words split where lower case turns to upper case, marks stay with letters.
///
/// `[^\r\n\p{L}\p{N}]?U*L+(?i:'s|...)?|[^\r\n\p{L}\p{N}]?U+L*(?i:'s|...)?|\p{N}{1,d}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
/// with U = Lu Lt Lm Lo M and L = Ll Lm Lo M.
struct O200KWords: WordRule {
    let digits: Int
    let takesContractions: Bool
    private typealias F = CharacterFlags
    private static let upper = F.upper | F.uncased | F.mark
    private static let lower = F.lower | F.uncased | F.mark

    func end(in text: TextBytes, from start: Int) -> Int {
        let (flags, length) = text.character(at: start)
        if let stop = lettersEnd(in: text, from: start, flags, length) { return contractionEnd(in: text, at: stop) }
        if flags & F.number != 0 { return numberEnd(in: text, from: start) }
        let next = start + length
        if flags & F.space == 0 { return punctuationEnd(in: text, from: next) }
        if text.base[start] == 0x20, next < text.count {
            let following = text.character(at: next)
            let isMark = following.flags & (F.space | F.letter | F.number) == 0
            if isMark { return punctuationEnd(in: text, from: next + following.length) }
        }
        return spaceEnd(in: text, from: start)
    }

    /// The two letter alternatives, in the order a backtracking engine tries them; nil if neither matches.
    private func lettersEnd(in text: TextBytes, from start: Int, _ flags: UInt16, _ length: Int) -> Int? {
        let mayPrefix = flags & (F.newline | F.letter | F.number) == 0
        let body = mayPrefix ? start + length : start
        if let stop = lowerEnd(in: text, from: body) { return stop }
        if mayPrefix, let stop = lowerEnd(in: text, from: start) { return stop }
        let stop = text.end(of: Self.upper, from: body)
        if stop > body { return stop }
        return flags & Self.upper != 0 ? text.end(of: Self.upper, from: start) : nil
    }

    /// `U*L+`: up to the last character that may end in L, giving upper case back where no lower case follows it.
    private func lowerEnd(in text: TextBytes, from start: Int) -> Int? {
        let run = text.end(of: Self.upper, from: start)
        let stop = text.end(of: Self.lower, from: run)
        if stop > run { return stop }
        var end = run
        while end > start {
            let previous = text.characterStart(before: end, notBefore: start)
            if text.character(at: previous).flags & Self.lower != 0 { return end }
            end = previous
        }
        return nil
    }

    private func contractionEnd(in text: TextBytes, at stop: Int) -> Int {
        guard takesContractions, stop < text.count, text.base[stop] == 0x27 else { return stop }
        return stop + contraction(in: text, at: stop, ignoringCase: true)
    }

    private func numberEnd(in text: TextBytes, from start: Int) -> Int {
        var index = start
        for _ in 0..<digits where index < text.count {
            let (flags, length) = text.character(at: index)
            if flags & F.number == 0 { break }
            index += length
        }
        return index
    }

    /// The rest of `[^\s\p{L}\p{N}]+[\r\n/]*`.
    private func punctuationEnd(in text: TextBytes, from index: Int) -> Int {
        var stop = text.end(ofNone: F.space | F.letter | F.number, from: index)
        while stop < text.count, [10, 13, 0x2F].contains(text.base[stop]) { stop += 1 }
        return stop
    }

    private func spaceEnd(in text: TextBytes, from start: Int) -> Int {
        let runEnd = text.end(of: F.space, from: start)
        var index = runEnd
        while index > start {
            if text.classes.bytes[Int(text.base[index - 1])] & F.newline != 0 { return index }
            index -= 1
        }
        return spacesEnd(in: text, from: start, runEnd: runEnd)
    }
}
