internal import QuintetFiles

/// Drops documents that repeat themselves: lines, paragraphs, and n-grams of words (Gopher, table A1; as datatrove counts them).
struct GopherRepetition: ScrubStep {
    static let name = "gopher_repetition"
    static let settings: [(key: String, value: JSON)] = [
        ("dup_line_frac", 0.3), ("dup_para_frac", 0.3), ("dup_line_char_frac", 0.2), ("dup_para_char_frac", 0.2),
        ("top_n_grams", ["2": 0.2, "3": 0.18, "4": 0.16]),
        ("dup_n_grams", ["5": 0.15, "6": 0.14, "7": 0.13, "8": 0.12, "9": 0.11, "10": 0.10]),
    ]
    let kinds: DocumentKinds = [.text, .book]  // tables and listings of Markdown repeat themselves
    private let lineShare, paragraphShare, lineCharacters, paragraphCharacters: Double?
    private let top, duplicated: [(Int, Double)]

    init(_ values: StepValues) throws {
        lineShare = try values.share("dup_line_frac")
        paragraphShare = try values.share("dup_para_frac")
        lineCharacters = try values.share("dup_line_char_frac")
        paragraphCharacters = try values.share("dup_para_char_frac")
        top = try values.numbers("top_n_grams")
        duplicated = try values.numbers("dup_n_grams")
    }

    func judge(_ page: Page) -> Judgement {
        guard !page.text.isEmpty else { return .drop(rule: "empty", value: 0, threshold: 1) }
        let length = Double(page.length)
        let pieces = page.text.withUnsafeBufferPointer { text -> Judgement? in
            let trimmed = Lines.trimmed(text, 0..<text.count)
            let paragraphs = repeated(text, trimmed, 2, &page.counts)
            if let rule = over(paragraphs, length, paragraphShare, "dup_para_frac", paragraphCharacters, "dup_para_char_frac") { return rule }
            let lines = repeated(text, 0..<text.count, 1, &page.counts)
            return over(lines, length, lineShare, "dup_line_frac", lineCharacters, "dup_line_char_frac")
        }
        if let pieces { return pieces }
        return page.withWords { text, words, counts in repeatedWords(text, words, length, &counts) ?? .keep }
    }

    private typealias Repeated = (pieces: Int, repeated: Int, characters: Int)

    private func over(
        _ found: Repeated, _ length: Double, _ share: Double?, _ shareRule: String, _ characters: Double?, _ characterRule: String
    ) -> Judgement? {
        let ratio = Double(found.repeated) / Double(found.pieces)
        if let share, ratio > share { return .drop(rule: shareRule, value: ratio, threshold: share) }
        let part = Double(found.characters) / length
        if let characters, part > characters { return .drop(rule: characterRule, value: part, threshold: characters) }
        return nil
    }

    /// Pieces between runs of at least `breaks` line feeds, and how many of them stood there before.
    private func repeated(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ breaks: Int, _ counts: inout CountTable) -> Repeated {
        guard let p = text.baseAddress else { return (1, 0, 0) }
        var found: Repeated = (0, 0, 0)
        var lines = 0
        for i in range where p[i] == 10 { lines += 1 }
        counts.reset(for: lines + 2)
        var start = range.lowerBound
        var i = start
        func piece(_ end: Int) {
            found.pieces += 1
            if counts.add(XXHash64.hash(p + start, end - start)) > 0 {
                found.repeated += 1
                found.characters += characters(p, start, end)
            }
        }
        while i < range.upperBound {
            guard p[i] == 10 else {
                i += 1
                continue
            }
            var end = i
            while end < range.upperBound, p[end] == 10 { end += 1 }
            if end - i >= breaks {
                piece(i)
                start = end
            }
            i = end
        }
        piece(range.upperBound)
        return found
    }

    private func repeatedWords(
        _ text: UnsafeBufferPointer<UInt8>, _ words: [Words.Word], _ length: Double, _ counts: inout CountTable
    ) -> Judgement? {
        guard let p = text.baseAddress, !words.isEmpty else { return nil }
        let grams = WordGrams(p, words)
        for (n, share) in top where words.count >= n {
            let ratio = Double(grams.mostFrequent(n, &counts)) / length
            if ratio > share { return .drop(rule: "top_\(n)_gram", value: ratio, threshold: share) }
        }
        for (n, share) in duplicated where words.count >= n {
            let ratio = Double(grams.repeatedCharacters(n, &counts)) / length
            if ratio > share { return .drop(rule: "duplicated_\(n)_n_grams", value: ratio, threshold: share) }
        }
        return nil
    }
}
