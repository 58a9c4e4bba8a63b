/// A piece of a template and the line it begins on.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Equatable {
        /// Text outside of tags.
        case text([UInt32])
        case outputStart, outputEnd, blockStart, blockEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case symbol(String)
        case end
    }
    let kind: Kind
    let line: Int
}

/// Cuts a template into tokens, with the white space of tags as `transformers` sets it: the line break after a block tag
/// goes (trim_blocks), and so do the blanks before it (lstrip_blocks).
struct TemplateLexer {
    private let source: [UInt32]
    private var at = 0
    private var line = 1
    private var tokens: [TemplateToken] = []
    /// The last match ended a line: blanks that follow stand at the beginning of one.
    private var startsLine = true

    /// - Throws: `TemplateError` where a tag or a string does not end, or a character means nothing.
    static func tokens(of text: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(text)
        try lexer.run()
        return lexer.tokens
    }

    /// Line ends become `\n`, and one at the very end goes.
    private init(_ text: String) {
        var units: [UInt32] = []
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            if scalar == "\r" || scalar == "\n" {
                if !(scalar == "\n" && isAfterReturn) { units.append(0x0A) }
            } else {
                units.append(scalar.value)
            }
            isAfterReturn = scalar == "\r"
        }
        if units.last == 0x0A { units.removeLast() }
        source = units
    }

    private mutating func run() throws(TemplateError) {
        while at < source.count {
            let start = at
            while at < source.count, opening == nil { at += 1 }
            guard let tag = opening else {
                emitText(start, at)
                break
            }
            try take(tag, text: start)
        }
        tokens.append(TemplateToken(kind: .end, line: line))
    }

    private enum Tag { case output, block, comment }

    private var opening: Tag? {
        guard unit(at) == 0x7B else { return nil }
        switch unit(at + 1) {
        case 0x7B: return .output
        case 0x25: return .block
        case 0x23: return .comment
        default: return nil
        }
    }

    private func unit(_ index: Int) -> UInt32 { index < source.count ? source[index] : 0 }

    /// A tag and the text before it, which loses its end as the tag's sign says.
    private mutating func take(_ tag: Tag, text start: Int) throws(TemplateError) {
        let sign = unit(at + 2)
        var end = at
        if sign == 0x2D {
            while end > start, TemplateText.isSpace(source[end - 1]) { end -= 1 }
        } else if sign != 0x2B, tag != .output {
            end = withoutIndent(start, at)
        }
        emitText(start, end, upTo: at)
        at += sign == 0x2D || sign == 0x2B ? 3 : 2
        startsLine = false
        switch tag {
        case .comment: try skipComment()
        case .block:
            if try takeRaw() { return }
            tokens.append(TemplateToken(kind: .blockStart, line: line))
            try takeExpression(closing: 0x25)
        case .output:
            tokens.append(TemplateToken(kind: .outputStart, line: line))
            try takeExpression(closing: 0x7D)
        }
    }

    /// Where the blanks before a tag begin, if nothing else stands before it on its line.
    private func withoutIndent(_ start: Int, _ end: Int) -> Int {
        var from = end
        while from > start, source[from - 1] != 0x0A {
            guard TemplateText.isSpace(source[from - 1]) else { return end }
            from -= 1
        }
        return from > start || startsLine ? from : end
    }

    private mutating func emitText(_ start: Int, _ end: Int, upTo next: Int? = nil) {
        if start < end { tokens.append(TemplateToken(kind: .text(Array(source[start..<end])), line: line)) }
        countLines(start, next ?? end)
    }

    private mutating func countLines(_ start: Int, _ end: Int) {
        for index in start..<max(start, end) where source[index] == 0x0A { line += 1 }
    }

    private mutating func skipComment() throws(TemplateError) {
        let start = at
        while at < source.count, !(unit(at) == 0x23 && unit(at + 1) == 0x7D) { at += 1 }
        guard at < source.count else { throw TemplateError(.syntax, line: line, "a comment does not end") }
        let sign = at > start ? unit(at - 1) : 0
        at += 2
        countLines(start, at)
        finishTag(sign: sign, trimsLine: true)
    }

    /// White space after a tag: all of it with `-`, one line break where blocks are trimmed.
    private mutating func finishTag(sign: UInt32, trimsLine: Bool) {
        let start = at
        if sign == 0x2D {
            while at < source.count, TemplateText.isSpace(source[at]) { at += 1 }
        } else if trimsLine, sign != 0x2B, unit(at) == 0x0A {
            at += 1
        }
        startsLine = at > start && source[at - 1] == 0x0A
        countLines(start, at)
    }

    /// `{% raw %} ... {% endraw %}`: the text between comes out as it is.
    private mutating func takeRaw() throws(TemplateError) -> Bool {
        guard let inside = match("raw", at) else { return false }
        countLines(at, inside.end)
        at = inside.end
        finishTag(sign: inside.sign == 0x2D ? 0x2D : 0, trimsLine: false)
        let start = at
        while at < source.count {
            if unit(at) == 0x7B, unit(at + 1) == 0x25 {
                let sign = unit(at + 2)
                if let close = match("endraw", at + (sign == 0x2D || sign == 0x2B ? 3 : 2)) {
                    var end = at
                    if sign == 0x2D { while end > start, TemplateText.isSpace(source[end - 1]) { end -= 1 } }
                    if sign != 0x2D, sign != 0x2B { end = withoutIndent(start, at) }
                    emitText(start, end, upTo: close.end)
                    at = close.end
                    finishTag(sign: close.sign, trimsLine: true)
                    return true
                }
            }
            at += 1
        }
        throw TemplateError(.syntax, line: line, "a raw block does not end")
    }

    /// A tag that consists of one word, from after its opening: where it ends, and the sign before its end.
    private func match(_ word: String, _ start: Int) -> (end: Int, sign: UInt32)? {
        var index = start
        while index < source.count, TemplateText.isSpace(source[index]) { index += 1 }
        for scalar in word.unicodeScalars {
            guard unit(index) == scalar.value else { return nil }
            index += 1
        }
        while index < source.count, TemplateText.isSpace(source[index]) { index += 1 }
        var sign: UInt32 = 0
        if unit(index) == 0x2D || unit(index) == 0x2B {
            sign = unit(index)
            index += 1
        }
        return unit(index) == 0x25 && unit(index + 1) == 0x7D ? (index + 2, sign) : nil
    }
}

// Inside of tags
extension TemplateLexer {
    private mutating func takeExpression(closing: UInt32) throws(TemplateError) {
        let first = line
        var brackets: [UInt32] = []
        while at < source.count {
            let c = source[at]
            if TemplateText.isSpace(c) {
                if c == 0x0A { line += 1 }
                at += 1
            } else if brackets.isEmpty, takeEnd(closing) {
                return
            } else {
                try takeToken(c, &brackets)
            }
        }
        throw TemplateError(.syntax, line: first, "a tag does not end")
    }

    private mutating func takeEnd(_ closing: UInt32) -> Bool {
        let sign = unit(at) == 0x2D || (unit(at) == 0x2B && closing == 0x25) ? unit(at) : 0
        let start = at + (sign == 0 ? 0 : 1)
        guard unit(start) == closing, unit(start + 1) == 0x7D else { return false }
        tokens.append(TemplateToken(kind: closing == 0x25 ? .blockEnd : .outputEnd, line: line))
        at = start + 2
        finishTag(sign: sign, trimsLine: closing == 0x25)
        return true
    }

    private mutating func takeToken(_ c: UInt32, _ brackets: inout [UInt32]) throws(TemplateError) {
        if Self.isNameStart(c) { return takeName() }
        if Self.isDigit(c) { return try takeNumber() }
        if c == 0x22 || c == 0x27 { return try takeString(c) }
        for symbol in Self.symbols where matches(symbol) {
            try balance(symbol, &brackets)
            tokens.append(TemplateToken(kind: .symbol(symbol), line: line))
            at += symbol.utf8.count
            return
        }
        throw TemplateError(.syntax, line: line, "an unexpected character '\(TemplateText(units: [c]).string)'")
    }

    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ]

    private func matches(_ symbol: String) -> Bool {
        var index = at
        for byte in symbol.utf8 {
            guard unit(index) == UInt32(byte) else { return false }
            index += 1
        }
        return true
    }

    private func balance(_ symbol: String, _ brackets: inout [UInt32]) throws(TemplateError) {
        switch symbol {
        case "(": brackets.append(0x29)
        case "[": brackets.append(0x5D)
        case "{": brackets.append(0x7D)
        case ")", "]", "}":
            guard brackets.popLast() == unit(at) else { throw TemplateError(.syntax, line: line, "an unexpected '\(symbol)'") }
        default: break
        }
    }

    private static func isDigit(_ c: UInt32) -> Bool { (0x30...0x39).contains(c) }

    private static func isNameStart(_ c: UInt32) -> Bool {
        if c < 0x80 { return (0x41...0x5A).contains(c) || (0x61...0x7A).contains(c) || c == 0x5F }
        return Unicode.Scalar(c)?.properties.isXIDStart ?? false
    }

    private static func isNamePart(_ c: UInt32) -> Bool {
        isNameStart(c) || isDigit(c) || (c >= 0x80 && Unicode.Scalar(c)?.properties.isXIDContinue ?? false)
    }

    private mutating func takeName() {
        let start = at
        while at < source.count, Self.isNamePart(source[at]) { at += 1 }
        tokens.append(TemplateToken(kind: .name(TemplateText(units: Array(source[start..<at])).string), line: line))
    }

    private mutating func takeNumber() throws(TemplateError) {
        let start = at
        digits()
        var isFloat = false
        if unit(at) == 0x2E, Self.isDigit(unit(at + 1)) {
            isFloat = true
            at += 1
            digits()
        }
        if unit(at) | 0x20 == 0x65, Self.isDigit(unit(at + 1)) || ((unit(at + 1) == 0x2B || unit(at + 1) == 0x2D) && Self.isDigit(unit(at + 2))) {
            isFloat = true
            at += 2
            digits()
        }
        let text = TemplateText(units: source[start..<at].filter { $0 != 0x5F }).string
        if isFloat, let value = Double(text) {
            tokens.append(TemplateToken(kind: .float(value), line: line))
        } else if let value = Int(text) {
            tokens.append(TemplateToken(kind: .integer(value), line: line))
        } else {
            throw TemplateError(.unsupported, line: line, "a number beyond 64 bits")
        }
    }

    private mutating func digits() { while Self.isDigit(unit(at)) || unit(at) == 0x5F { at += 1 } }

    private mutating func takeString(_ quote: UInt32) throws(TemplateError) {
        let first = line
        at += 1
        var units: [UInt32] = []
        while at < source.count, source[at] != quote {
            if source[at] == 0x0A { line += 1 }
            if source[at] == 0x5C { try takeEscape(&units) } else {
                units.append(source[at])
                at += 1
            }
        }
        guard at < source.count else { throw TemplateError(.syntax, line: first, "a string does not end") }
        at += 1
        tokens.append(TemplateToken(kind: .string(TemplateText(units: units).string), line: first))
    }

    /// Python's escapes; an unknown one keeps its backslash.
    private mutating func takeEscape(_ units: inout [UInt32]) throws(TemplateError) {
        let c = unit(at + 1)
        let simple: [UInt32: UInt32] = [
            0x6E: 0x0A, 0x74: 0x09, 0x72: 0x0D, 0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x61: 7, 0x62: 8, 0x66: 12, 0x76: 11,
        ]
        at += 2
        if let value = simple[c] { return units.append(value) }
        switch c {
        case 0x0A: line += 1
        case 0x78: units.append(try hexadecimal(2))
        case 0x75: units.append(try hexadecimal(4))
        case 0x55: units.append(try hexadecimal(8))
        case 0x30...0x37:
            var value = c - 0x30
            for _ in 0..<2 where (0x30...0x37).contains(unit(at)) {
                value = value * 8 + unit(at) - 0x30
                at += 1
            }
            units.append(value)
        default: units += [0x5C, c]
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(TemplateError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Unicode.Scalar(unit(at)).flatMap({ Character($0).hexDigitValue }), value < 1 << 28 else {
                throw TemplateError(.syntax, line: line, "a wrong escape in a string")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        guard Unicode.Scalar(value) != nil else { throw TemplateError(.syntax, line: line, "a wrong escape in a string") }
        return value
    }
}
