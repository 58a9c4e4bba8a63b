/// Where the next word ends: the hand-written, linear-time form of one known pre-tokenization regex.
protocol WordRule: Sendable {
    /// End of the word that starts at `start` (`start < text.count`); always past `start`.
    func end(in text: TextBytes, from start: Int) -> Int
}

extension WordRule {
    /// Calls `body(start, end)` for each word of the text, in order, covering every byte.
    @inline(__always)
    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var start = 0
        while start < text.count {
            let stop = end(in: text, from: start)
            body(start, stop)
            start = stop
        }
    }
}

/// Length of an English contraction (`'s 't 'm 'd 're 've 'll`) at an apostrophe, 0 if there is none.
@inline(__always)
func contraction(in text: TextBytes, at apostrophe: Int, ignoringCase: Bool) -> Int {
    guard apostrophe + 1 < text.count else { return 0 }
    let fold: UInt8 = ignoringCase ? 0x20 : 0
    let first = text.base[apostrophe + 1]
    switch first | (first < 0x80 ? fold : 0) {
    case 0x73, 0x74, 0x6D, 0x64: return 2  // s t m d
    case 0xC5:  // U+017F, the long s, folds to s
        return ignoringCase && apostrophe + 2 < text.count && text.base[apostrophe + 2] == 0xBF ? 3 : 0
    case 0x72, 0x76, 0x6C:  // re ve ll
        guard apostrophe + 2 < text.count else { return 0 }
        let second = text.base[apostrophe + 2] | (text.base[apostrophe + 2] < 0x80 ? fold : 0)
        return second == (first | fold == 0x6C ? 0x6C : 0x65) ? 3 : 0
    default: return 0
    }
}

/// `\s+(?!\S)|\s+`: a run of spaces leaves its last character to the word that follows.
@inline(__always)
func spacesEnd(in text: TextBytes, from start: Int, runEnd: Int) -> Int {
    if runEnd == text.count { return runEnd }
    let last = text.characterStart(before: runEnd, notBefore: start)
    return last > start ? last : runEnd
}
