internal import QuintetFiles

/// Drops lists and menus: lines without final punctuation, short lines, repeated lines, many line breaks (FineWeb's own rules).
struct FineWebQuality: ScrubStep {
    static let name = "fineweb_quality"
    static let settings: [(key: String, value: JSON)] = [
        ("line_punct_thr", 0.12), ("line_punct_exclude_zero", false), ("short_line_thr", 0.67), ("short_line_length", 30),
        ("char_duplicates_ratio", 0.01), ("new_line_ratio", 0.3),
    ]
    let kinds = DocumentKinds.text
    private let punctuated, short, repeated, breaks: Double?
    private let excludesZero: Bool
    private let shortLength: Int

    init(_ values: StepValues) throws {
        punctuated = try values.share("line_punct_thr")
        excludesZero = try values.flag("line_punct_exclude_zero")
        short = try values.share("short_line_thr")
        shortLength = try values.count("short_line_length")
        repeated = try values.share("char_duplicates_ratio")
        breaks = try values.number("new_line_ratio")
    }

    func judge(_ page: Page) -> Judgement {
        let counted = page.text.withUnsafeBufferPointer { text in lines(text, page.length, &page.counts) }
        if let counted { return counted }
        guard let breaks else { return .keep }
        let words = page.withWords { _, words, _ in words.count }
        let lineFeeds = page.text.reduce(0) { $0 + ($1 == 10 ? 1 : 0) }
        let ratio = Double(lineFeeds) / Double(words)
        return ratio > breaks ? .drop(rule: "list_ratio", value: ratio, threshold: breaks) : .keep
    }

    private func lines(_ text: UnsafeBufferPointer<UInt8>, _ length: Int, _ counts: inout CountTable) -> Judgement? {
        guard let p = text.baseAddress else { return .drop(rule: "empty", value: 0, threshold: 1) }
        let table = ScalarTable.shared
        var (lineFeeds, start) = (0, 0)
        for byte in text where byte == 10 { lineFeeds += 1 }
        counts.reset(for: lineFeeds + 1)
        var (count, ended, shortLines, repeatedCharacters) = (0, 0, 0, 0)
        for i in 0...text.count where i == text.count || p[i] == 10 {
            defer { start = i + 1 }
            if Lines.trimmed(text, start..<i).isEmpty { continue }
            count += 1
            if table.classes(scalar(p, before(p, i)).value) & ScalarClass.terminal != 0 { ended += 1 }
            let size = characters(p, start, i)
            if size <= shortLength { shortLines += 1 }
            if counts.add(XXHash64.hash(p + start, i - start)) > 0 { repeatedCharacters += size }
        }
        if count == 0 { return .drop(rule: "empty", value: 0, threshold: 1) }
        let share = Double(ended) / Double(count)
        if let punctuated, share < punctuated, !(share == 0 && excludesZero) {
            return .drop(rule: "line_punct_ratio", value: share, threshold: punctuated)
        }
        let shortShare = Double(shortLines) / Double(count)
        if let short, shortShare > short { return .drop(rule: "short_line_ratio", value: shortShare, threshold: short) }
        let ratio = Double(repeatedCharacters) / Double(length - lineFeeds)
        if let repeated, ratio > repeated { return .drop(rule: "char_dup_ratio", value: ratio, threshold: repeated) }
        return nil
    }
}
