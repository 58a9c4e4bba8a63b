internal import QuintetFiles

/// Drops what does not look like prose: too short or long, odd words, symbols, bullets, no stop words (Gopher; as datatrove counts it).
struct GopherQuality: ScrubStep {
    static let name = "gopher_quality"
    static let settings: [(key: String, value: JSON)] = [
        ("min_doc_words", 50), ("max_doc_words", 100_000), ("min_avg_word_length", 3), ("max_avg_word_length", 10),
        ("max_symbol_word_ratio", 0.1), ("max_bullet_lines_ratio", 0.9), ("max_ellipsis_lines_ratio", 0.3),
        ("max_non_alpha_words_ratio", 0.8), ("min_stop_words", 2),
        ("stop_words", ["the", "be", "to", "of", "and", "that", "have", "with"]),
    ]
    let kinds = DocumentKinds.text
    private let fewest, most, shortest, longest, symbols, bullets, ellipses, letters, stopWords: Double?
    private let stops: [[UInt8]]

    init(_ values: StepValues) throws {
        fewest = try values.number("min_doc_words")
        most = try values.number("max_doc_words")
        shortest = try values.number("min_avg_word_length")
        longest = try values.number("max_avg_word_length")
        symbols = try values.number("max_symbol_word_ratio")
        bullets = try values.share("max_bullet_lines_ratio")
        ellipses = try values.share("max_ellipsis_lines_ratio")
        letters = try values.share("max_non_alpha_words_ratio")
        stopWords = try values.number("min_stop_words")
        try values.ordered("min_doc_words", "max_doc_words")
        try values.ordered("min_avg_word_length", "max_avg_word_length")
        stops = try values.texts("stop_words").map { Array($0.utf8) }
    }

    private struct Census {
        var words = 0
        var plain = 0
        var plainLength = 0
        var withLetter = 0
        var stops = 0
    }

    func judge(_ page: Page) -> Judgement {
        let census = page.withWords { text, words, _ in take(text, words) }
        return words(census) ?? page.text.withUnsafeBufferPointer { lines($0, census) } ?? end(census)
    }

    private func take(_ text: UnsafeBufferPointer<UInt8>, _ words: [Words.Word]) -> Census {
        var census = Census()
        guard let p = text.baseAddress else { return census }
        let table = ScalarTable.shared
        census.words = words.count
        var seen: UInt64 = 0
        for word in words {
            let (start, end) = (Int(word.start), Int(word.end))
            var (isPlain, hasLetter) = (false, false)
            var i = start
            while i < end, !(isPlain && hasLetter) {
                let (value, width) = scalar(p, i)
                let classes = table.classes(value)
                if classes & ScalarClass.punctuation == 0 { isPlain = true }
                if classes & ScalarClass.letter != 0 { hasLetter = true }
                i += width
            }
            if isPlain {
                census.plain += 1
                census.plainLength += Int(word.length)
            }
            if hasLetter { census.withLetter += 1 }
            if end - start <= 8 || stops.count > 8 {
                for (k, stop) in stops.enumerated() where stop.count == end - start && seen >> UInt64(k & 63) & 1 == 0 {
                    if (0..<stop.count).allSatisfy({ p[start + $0] == stop[$0] }) { seen |= 1 << UInt64(k & 63) }
                }
            }
        }
        census.stops = seen.nonzeroBitCount
        return census
    }

    private func words(_ census: Census) -> Judgement? {
        let plain = Double(census.plain)
        if let fewest, fewest > 0, plain < fewest { return .drop(rule: "gopher_short_doc", value: plain, threshold: fewest) }
        if let most, most > 0, plain > most { return .drop(rule: "gopher_long_doc", value: plain, threshold: most) }
        let mean = Double(census.plainLength) / plain
        if let shortest, mean < shortest { return .drop(rule: "gopher_below_avg_threshold", value: mean, threshold: shortest) }
        if let longest, mean > longest { return .drop(rule: "gopher_above_avg_threshold", value: mean, threshold: longest) }
        return nil
    }

    private func lines(_ text: UnsafeBufferPointer<UInt8>, _ census: Census) -> Judgement? {
        let all = 0..<text.count
        if let symbols {
            let hashes = Double(Lines.count("#", in: text, all)) / Double(census.words)
            if hashes > symbols { return .drop(rule: "gopher_too_many_hashes", value: hashes, threshold: symbols) }
            let dots = Double(Lines.count("...", in: text, all) + Lines.count("…", in: text, all)) / Double(census.words)
            if dots > symbols { return .drop(rule: "gopher_too_many_ellipsis", value: dots, threshold: symbols) }
        }
        var (count, bulleted, trailing) = (0, 0, 0)
        Lines.forEach(text) { line, _ in
            count += 1
            let core = Lines.trimmed(text, line)
            if Lines.starts(text, core, "•") || Lines.starts(text, core, "-") { bulleted += 1 }
            if Lines.ends(text, core, "...") || Lines.ends(text, core, "…") { trailing += 1 }
        }
        let share = (Double(bulleted) / Double(count), Double(trailing) / Double(count))
        if let bullets, share.0 > bullets { return .drop(rule: "gopher_too_many_bullets", value: share.0, threshold: bullets) }
        if let ellipses, share.1 > ellipses { return .drop(rule: "gopher_too_many_end_ellipsis", value: share.1, threshold: ellipses) }
        return nil
    }

    private func end(_ census: Census) -> Judgement {
        let share = Double(census.withLetter) / Double(census.words)
        if let letters, share < letters { return .drop(rule: "gopher_below_alpha_threshold", value: share, threshold: letters) }
        let found = Double(census.stops)
        if let stopWords, found < stopWords { return .drop(rule: "gopher_enough_stop_words", value: found, threshold: stopWords) }
        return .keep
    }
}
