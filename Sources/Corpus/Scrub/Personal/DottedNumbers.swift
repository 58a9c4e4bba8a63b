/// Tells versions and numbers of sections from IP addresses by the words before them.
enum DottedNumbers {
    /// What is numbered like this, in lower case.
    private static let numbered: Set<String> = [
        "version", "versions", "ver", "v", "release", "releases", "revision", "rev", "build", "builds", "firmware", "patch", "rfc",
        "section", "sections", "sec", "subsection", "chapter", "chapters", "chap", "ch", "clause", "clauses", "paragraph", "paragraphs", "para",
        "article", "articles", "art", "appendix", "annex", "figure", "fig", "\u{A7}", "\u{A7}\u{A7}",
    ]
    /// What may stand between the word and the number: "version number 1.2.3.4".
    private static let naming: Set<String> = ["number", "no", "nr", "is"]
    /// What may stand between two numbers.
    private static let joining: Set<String> = ["and", "or", "to", "through", "until"]
    /// Words that a full stop may follow within a sentence.
    private static let shortened: Set<String> = ["no", "nr", "ver", "v", "rev", "sec", "chap", "ch", "para", "art", "fig"]

    /// Whether four numbers with dots are said to be a version or a section: "version 1.2.3.4", "sections 3.1.2.1 and 3.1.2.4", ">=1.2.3.4".
    ///
    /// Looks back over 80 bytes at most, over other dotted numbers and small words. Loopback and 192.168 addresses are what they are.
    static func isNoAddress(_ text: UnsafeBufferPointer<UInt8>, _ span: Range<Int>) -> Bool {
        let digits = text[span]
        if digits.starts(with: "127.".utf8) || digits.starts(with: "192.168.".utf8) { return false }
        if span.lowerBound > 1, text[span.lowerBound - 1] == UInt8(ascii: "=") || text[span.lowerBound - 1] == UInt8(ascii: ">"),
            "<>~!".utf8.contains(text[span.lowerBound - 2]) {
            return true
        }
        var (at, isJoined) = (span.lowerBound, false)
        while let word = word(text, before: &at, down: span.lowerBound - 80) {
            if word.utf8.contains(46), word.utf8.allSatisfy({ $0 &- 48 < 10 || $0 == 46 }) {
                isJoined = false
            } else if isJoined {
                return false
            } else if numbered.contains(word) {
                return true
            } else if joining.contains(word) {
                isJoined = true
            } else if !naming.contains(word) {
                return false
            }
        }
        return false
    }

    /// The word that ends before `at`, in lower case, over spaces, commas and marks; nil at the start, at the limit or at the end of a sentence.
    private static func word(_ text: UnsafeBufferPointer<UInt8>, before at: inout Int, down limit: Int) -> String? {
        let limit = max(0, limit)
        var end = at
        while end > limit, " ,:=(\"'#*`".utf8.contains(text[end - 1]) { end -= 1 }
        let isStopped = end < at && end > limit && text[end - 1] == 46
        if isStopped { end -= 1 }
        var start = end
        while start > limit, PersonalFinder.isWord(text[start - 1]) || text[start - 1] == 46 && start < end { start -= 1 }
        guard start < end, start > limit || limit == 0 else { return nil }
        at = start
        let word = String(decoding: text[start..<end], as: UTF8.self).lowercased()
        return isStopped && !shortened.contains(word) ? nil : word
    }
}
