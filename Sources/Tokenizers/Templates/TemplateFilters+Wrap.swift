/// `wordwrap`: lines of at most `width` characters, as Python's textwrap breaks them.
extension TemplateFilters {
    static let wordwrap: Filter = { run, value, call throws(TemplateError) in
        let width = try call.integer(0, "width", default: 79)
        guard width > 0 else { throw TemplateError(.type, line: call.line, "wordwrap: a width of \(width)") }
        let end = try call.text(2, "wrapstring") ?? TemplateText("\n")
        let wrap = TextWrap(
            width: width, breaksWords: call.flag(1, "break_long_words", default: true), breaksHyphens: call.flag(3, "break_on_hyphens", default: true))
        var out = TemplateText()
        for (index, line) in TemplateStrings.lines(str(value), keepsEnds: false).enumerated() {
            try run.meter.spend(line.count, line: call.line)
            let lines = wrap.lines(line)
            if index > 0 { out += end }
            for (place, part) in lines.enumerated() {
                if place > 0 { out += end }
                out += part
            }
            try run.meter.check(size: out.count, line: call.line)
        }
        return .string(out)
    }
}

private struct TextWrap {
    let width: Int
    let breaksWords: Bool
    let breaksHyphens: Bool

    func lines(_ text: TemplateText) -> [TemplateText] {
        var chunks = Array(chunks(text).reversed())
        var lines: [TemplateText] = []
        while !chunks.isEmpty {
            if !lines.isEmpty, let next = chunks.last, isBlank(next) { chunks.removeLast() }
            var line: [TemplateText] = [], length = 0
            while let next = chunks.last, length + next.count <= width {
                line.append(next)
                length += next.count
                chunks.removeLast()
            }
            if let long = chunks.last, long.count > width { breakWord(long, &chunks, &line, width - length) }
            if let last = line.last, isBlank(last) { line.removeLast() }
            if !line.isEmpty { lines.append(line.reduce(TemplateText(), +)) }
        }
        return lines
    }

    /// A word that no line holds: as much as fits, up to its last hyphen where it has one; or alone on its line.
    private func breakWord(_ word: TemplateText, _ chunks: inout [TemplateText], _ line: inout [TemplateText], _ room: Int) {
        guard breaksWords else {
            if line.isEmpty { line.append(chunks.removeLast()) }
            return
        }
        var end = room
        if breaksHyphens, word.count > room, let hyphen = (0..<max(room, 0)).last(where: { character(word, $0) == "-" }), hyphen > 0,
            (0..<hyphen).contains(where: { character(word, $0) != "-" }) { end = hyphen + 1 }
        line.append(word.slice(0, end))
        chunks[chunks.count - 1] = word.slice(end, word.count)
    }

    /// Runs of white space, words, and the parts of words that end with a hyphen between letters.
    private func chunks(_ text: TemplateText) -> [TemplateText] {
        var chunks: [TemplateText] = [], start = 0
        func cut(_ end: Int) {
            if end > start { chunks.append(text.slice(start, end)) }
            start = end
        }
        for place in text.units.indices {
            if place > 0, isSpace(text, place) != isSpace(text, place - 1) { cut(place) }
            if breaksHyphens, character(text, place) == "-", place - start >= 2, isLetter(text, place - 1), isLetter(text, place - 2) || character(text, place - 2) == "-",
                isLetter(text, place + 1), isLetter(text, place + 2) || (character(text, place + 2) == "-" && isLetter(text, place + 3)) { cut(place + 1) }
        }
        cut(text.count)
        return chunks
    }

    private func character(_ text: TemplateText, _ place: Int) -> Character? {
        text.units.indices.contains(place) ? Unicode.Scalar(text.units[place] & TemplateText.valueMask).map { Character($0) } : nil
    }

    private func isLetter(_ text: TemplateText, _ place: Int) -> Bool { character(text, place)?.isLetter == true }

    private func isSpace(_ text: TemplateText, _ place: Int) -> Bool {
        let value = text.units[place] & TemplateText.valueMask
        return value == 0x20 || (0x09...0x0D).contains(value)
    }

    private func isBlank(_ text: TemplateText) -> Bool { text.units.indices.allSatisfy { isSpace(text, $0) } }
}
