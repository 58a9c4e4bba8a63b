/// Removes the comment at the head of a source file that speaks of copyright or a licence.
///
/// Lines that have to stay first (`#!`, `swift-tools-version`, editor modes) are kept. Documentation comments are only taken
/// for a licence when they say so in the words that licences use.
struct LicenceHeaders: CleaningStep {
    let name = "licence headers"

    func judge(_ draft: Draft) -> Verdict {
        guard case .source(let language) = draft.kind else { return .keep }
        let spans = Self.spans(draft.text, language)
        return spans.isEmpty ? .keep : .cut(spans, rule: "comment at the head with copyright or licence")
    }

    /// The spans of licence comments among the first comments of the file, with the blank lines after them.
    static func spans(_ text: [UInt8], _ language: Language) -> [Range<Int>] {
        var spans: [Range<Int>] = []
        var at = afterFirstLines(text)
        for _ in 0..<4 {
            let start = afterSpace(text, at, stopAtLine: true)
            guard let end = commentEnd(text, start, language), end - start <= 1 << 16 else { break }
            at = afterSpace(text, end, stopAtLine: true)
            if speaksOfLicence(text[start..<end]) { spans.append(start..<at) }
        }
        return spans
    }

    /// Past the lines that have a meaning only as first lines.
    private static func afterFirstLines(_ text: [UInt8]) -> Int {
        var at = 0
        for _ in 0..<2 {
            let end = lineEnd(text, at)
            let line = text[at..<end]
            let marks = ["swift-tools-version", "-*-", "coding:", "coding=", "<?xml", "<?php"]
            guard line.starts(with: Array("#!".utf8)) || marks.contains(where: { contains(line, $0) }) else { break }
            at = end
        }
        return at
    }

    /// Where the line that holds `at` ends, its LF included.
    private static func lineEnd(_ text: [UInt8], _ at: Int) -> Int {
        (text[at...].firstIndex(of: 10)).map { $0 + 1 } ?? text.count
    }

    /// Past white space; with `stopAtLine` the indentation of the next line with content is left.
    private static func afterSpace(_ text: [UInt8], _ at: Int, stopAtLine: Bool) -> Int {
        var (at, line) = (at, at)
        while at < text.count, text[at] == 10 || text[at] == 32 || text[at] == 9 {
            at += 1
            if text[at - 1] == 10 { line = at }
        }
        return stopAtLine && at < text.count ? line : at
    }

    /// The end of the comment that begins on the line at `start`: a run of line comments, or one block with nothing after it.
    private static func commentEnd(_ text: [UInt8], _ start: Int, _ language: Language) -> Int? {
        let first = afterSpace(text, start, stopAtLine: false)
        for pair in language.block where text[first...].starts(with: Array(pair[0].utf8)) {
            guard let close = find(pair[1], in: text[(first + pair[0].utf8.count)...]) else { return nil }
            let end = lineEnd(text, close)
            return text[close..<end].allSatisfy { $0 <= 32 } ? end : nil
        }
        for prefix in language.line {
            var end = start
            while end < text.count, isComment(text, end, prefix) { end = lineEnd(text, end) }
            if end > start { return end }
        }
        return nil
    }

    private static func isComment(_ text: [UInt8], _ line: Int, _ prefix: String) -> Bool {
        text[line...].drop { $0 == 32 || $0 == 9 }.starts(with: Array(prefix.utf8))
    }

    /// What no comment about a program says by chance.
    private static let certain = [
        "copyright (c)", "copyright ©", "copyright 19", "copyright 20", "spdx-license-identifier:", "licensed under the",
        "licensed to the", "all rights reserved.", "@license", "permission is hereby granted", "redistribution and use",
    ]
    /// What only a comment that documents nothing may be taken for.
    private static let likely = ["copyright", "license", "licence", "(c) 20", "(c) 19", "all rights reserved", "public domain"]

    private static func speaksOfLicence(_ comment: ArraySlice<UInt8>) -> Bool {
        let head = comment.drop { $0 <= 32 }
        let isDocumentation = ["///", "//!", "/**"].contains { head.starts(with: Array($0.utf8)) }
        return (isDocumentation ? certain : certain + likely).contains { contains(comment, $0) }
    }

    private static func contains(_ text: ArraySlice<UInt8>, _ word: String) -> Bool { find(word, in: text) != nil }

    /// Position after the first occurrence, ASCII letters compared without case; `word` is in lower case.
    private static func find(_ word: String, in text: ArraySlice<UInt8>) -> Int? {
        let word = Array(word.utf8)
        guard text.count >= word.count, let first = word.first else { return nil }
        for i in text.startIndex...(text.endIndex - word.count) where lower(text[i]) == first {
            if (1..<word.count).allSatisfy({ lower(text[i + $0]) == word[$0] }) { return i + word.count }
        }
        return nil
    }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte | 32 : byte }
}
