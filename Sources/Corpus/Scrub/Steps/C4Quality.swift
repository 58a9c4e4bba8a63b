internal import QuintetFiles

/// Cleans and drops as C4 does: lines with few words, scripts or policies go; so do pages of placeholder text, code or few sentences.
///
/// The rule that a line ends in punctuation is off, as in FineWeb.
struct C4Quality: ScrubStep {
    static let name = "c4_quality"
    static let settings: [(key: String, value: JSON)] = [
        ("remove_citations", true), ("filter_no_terminal_punct", false), ("min_num_sentences", 5), ("min_words_per_line", 3),
        ("max_word_length", 1000), ("filter_lorem_ipsum", true), ("filter_javascript", true), ("filter_curly_bracket", true),
        ("filter_policy", true),
    ]
    let kinds = DocumentKinds.text
    private let citations, terminal, loremIpsum, javascript, curly, policy: Bool
    private let sentences, lineWords, wordLength: Double?

    init(_ values: StepValues) throws {
        citations = try values.flag("remove_citations")
        terminal = try values.flag("filter_no_terminal_punct")
        sentences = try values.number("min_num_sentences")
        lineWords = try values.number("min_words_per_line")
        wordLength = try values.number("max_word_length")
        loremIpsum = try values.flag("filter_lorem_ipsum")
        javascript = try values.flag("filter_javascript")
        curly = try values.flag("filter_curly_bracket")
        policy = try values.flag("filter_policy")
    }

    func judge(_ page: Page) -> Judgement {
        page.text.withUnsafeBufferPointer { text in
            var cutting = Cutting(text)
            var counter = SentenceCounter()
            var found = 0
            var dropped: Judgement?
            Lines.forEach(text) { line, next in
                guard dropped == nil else { return }
                switch judge(text, Lines.trimmed(text, line)) {
                case .keep(let spans):
                    if sentences != nil { found += counter.count(text, spans) }
                    cutting.keep(spans, until: next)
                case .cut(let rule): cutting.cut(rule, until: next)
                case .page(let rule): dropped = .drop(rule: rule, value: 1, threshold: 0)
                }
            }
            if let dropped { return dropped }
            if let sentences, Double(found) < sentences { return .drop(rule: "too_few_sentences", value: Double(found), threshold: sentences) }
            let edits = cutting.edits()
            return edits.isEmpty ? .keep : .change(edits)
        }
    }

    private enum Line {
        /// What stays of it: the line without citations.
        case keep([Range<Int>])
        case cut(String)
        case page(String)
    }

    private func judge(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> Line {
        let (words, longest) = words(text, line)
        if let wordLength, Double(longest) > wordLength { return .cut("too_long_word") }
        let spans = citations ? Self.withoutCitations(text, line) : [line]
        if terminal, !endsInPunctuation(text, spans) { return .cut("no_terminal_punc") }
        if let lineWords, Double(words) < lineWords { return .cut("too_few_words") }
        if loremIpsum, contains(text, spans, "lorem ipsum") { return .page("lorem_ipsum") }
        if javascript, contains(text, spans, "javascript") { return .cut("javascript") }
        if curly, spans.contains(where: { $0.contains { text[$0] == UInt8(ascii: "{") } }) { return .page("curly_bracket") }
        if policy, isPolicy(text, spans) { return .cut("policy") }
        return .keep(spans)
    }

    /// Words between white space, and the characters of the longest.
    private func words(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> (count: Int, longest: Int) {
        guard let p = text.baseAddress else { return (0, 0) }
        var (count, longest, current) = (0, 0, 0)
        var i = line.lowerBound
        while i < line.upperBound {
            let (value, width) = scalar(p, i)
            if Lines.isSpace(value) {
                current = 0
            } else {
                if current == 0 { count += 1 }
                current += 1
                longest = max(longest, current)
            }
            i += width
        }
        return (count, longest)
    }

    private func contains(_ text: UnsafeBufferPointer<UInt8>, _ spans: [Range<Int>], _ needle: StaticString) -> Bool {
        if spans.count == 1 { return Lines.count(needle, in: text, spans[0], folded: true) > 0 }
        let joined = spans.flatMap { text[$0] }
        return joined.withUnsafeBufferPointer { Lines.count(needle, in: $0, 0..<$0.count, folded: true) > 0 }
    }

    private func isPolicy(_ text: UnsafeBufferPointer<UInt8>, _ spans: [Range<Int>]) -> Bool {
        // Every one of them holds one of these words.
        guard contains(text, spans, "cookie") || contains(text, spans, "terms of use") || contains(text, spans, "privacy policy") else { return false }
        let phrases: [StaticString] = ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"]
        return phrases.contains { contains(text, spans, $0) }
    }

    private func endsInPunctuation(_ text: UnsafeBufferPointer<UInt8>, _ spans: [Range<Int>]) -> Bool {
        let tail = Array(spans.flatMap { text[$0] }.suffix(3))
        guard let last = tail.last, ".?!\"'".utf8.contains(last) else { return false }
        return tail != Array("...".utf8)
    }

    /// The line without `[12]`, `[]`, `[edit]` and `[citation needed]`.
    static func withoutCitations(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> [Range<Int>] {
        guard let p = text.baseAddress else { return [line] }
        var spans: [Range<Int>] = []
        var (start, i) = (line.lowerBound, line.lowerBound)
        while i < line.upperBound {
            guard p[i] == UInt8(ascii: "["), let end = citationEnd(p, i, line.upperBound) else {
                i += 1
                continue
            }
            if i > start { spans.append(start..<i) }
            (start, i) = (end, end)
        }
        if start < line.upperBound || spans.isEmpty { spans.append(start..<line.upperBound) }
        return spans
    }

    private static func citationEnd(_ p: UnsafePointer<UInt8>, _ open: Int, _ limit: Int) -> Int? {
        var i = open + 1
        while i < limit {
            let (value, width) = scalar(p, i)
            if ScalarTable.shared.classes(value) & ScalarClass.digit == 0 { break }
            i += width
        }
        if i < limit, p[i] == UInt8(ascii: "]") { return i + 1 }
        let text = UnsafeBufferPointer(start: p, count: limit)
        if Lines.starts(text, open..<limit, "[edit]") { return open + 6 }
        return Lines.starts(text, open..<limit, "[citation needed]") ? open + 17 : nil
    }
}

/// Counts sentences as spaCy's rule-based splitter does: a sentence ends with its closing marks.
struct SentenceCounter {
    private var tokenizer = EnglishTokenizer(keepsSpace: true)
    private var words = Words()
    private var scratch: [UInt8] = []

    mutating func count(_ text: UnsafeBufferPointer<UInt8>, _ spans: [Range<Int>]) -> Int {
        if spans.count == 1 { return count(UnsafeBufferPointer(rebasing: text[spans[0]])) }
        scratch = spans.flatMap { text[$0] }
        let copy = scratch
        return copy.withUnsafeBufferPointer { count($0) }
    }

    private mutating func count(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        words.removeAll()
        tokenizer.split(text, into: &words)
        guard let p = text.baseAddress, words.count > 0 else { return 0 }
        var (sentences, ended) = (1, false)
        for word in words.words {
            let (start, end) = (Int(word.start), Int(word.end))
            if ended, !word.isSpace, (p[start] | 32) &- 97 < 26 {
                sentences += 1
                ended = false
                continue
            }
            let isEnd = word.length == 1 && ScalarTable.shared.classes(scalar(p, start).value) & ScalarClass.ends != 0
            if isEnd { ended = true } else if ended, !isPunctuation(p, start, end) {
                sentences += 1
                ended = false
            }
        }
        return sentences
    }

    private func isPunctuation(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var i = start
        while i < end {
            let (value, width) = scalar(p, i)
            if ScalarTable.shared.classes(value) & ScalarClass.category == 0 { return false }
            i += width
        }
        return true
    }
}

/// Puts together what stays of a text line by line, and what that changes.
struct Cutting {
    private let text: UnsafeBufferPointer<UInt8>
    private var kept: [Range<Int>] = []
    /// Before which of `kept` a line feed stands.
    private var breaks: Set<Int> = []
    private var lines = 0
    /// Where lines were cut, and why.
    private var cuts: [(end: Int, rule: String)] = []

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    mutating func keep(_ spans: [Range<Int>], until next: Int) {
        if lines > 0 { breaks.insert(kept.count) }
        lines += 1
        kept += spans
    }

    mutating func cut(_ rule: String, until next: Int) { cuts.append((next, rule)) }

    /// The differences from the text: kept lines joined by line feeds, white space at both ends removed.
    func edits() -> [Edit] {
        let pieces = stripped()
        var edits: [Edit] = []
        var (at, reason) = (0, 0)
        func change(_ start: Int, _ end: Int, _ with: [UInt8]) {
            guard text[start..<end].elementsEqual(with) == false else { return }
            while reason < cuts.count, cuts[reason].end <= start { reason += 1 }
            let rule = reason < cuts.count && cuts[reason].end <= end ? cuts[reason].rule : "white_space"
            edits.append(Edit(start: start, end: end, with: with, rule: rule))
        }
        for (index, piece) in pieces.enumerated() {
            change(at, piece.span.lowerBound, index > 0 && piece.newLine ? [10] : [])
            at = piece.span.upperBound
        }
        change(at, text.count, [])
        return edits
    }

    private func stripped() -> [(span: Range<Int>, newLine: Bool)] {
        var pieces: [(span: Range<Int>, newLine: Bool)] = kept.enumerated().map { ($0.element, breaks.contains($0.offset)) }
        while let first = pieces.first {
            let span = Lines.trimmed(text, first.span)
            if !span.isEmpty {
                pieces[0].span = span.lowerBound..<first.span.upperBound
                break
            }
            pieces.removeFirst()
        }
        while let last = pieces.last {
            let span = Lines.trimmed(text, last.span)
            if !span.isEmpty {
                pieces[pieces.count - 1].span = last.span.lowerBound..<span.upperBound
                break
            }
            pieces.removeLast()
        }
        return pieces
    }
}
