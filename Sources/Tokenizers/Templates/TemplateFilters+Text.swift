// Text
extension TemplateFilters {
    static let trim: Filter = { _, value, call throws(TemplateError) in .string(TemplateStrings.strip(str(value), try call.text(0, "chars"))) }

    static let join: Filter = { run, value, call throws(TemplateError) in
        let separator = str(call.argument(0, "d") ?? .string(TemplateText()))
        let attribute = call.argument(1, "attribute")
        var out = TemplateText()
        for (index, element) in try elements(value, call).enumerated() {
            let part = if let attribute { try member(element, attribute, call.line) } else { element }
            try run.measure(part, call.line)
            try run.meter.check(size: out.count, line: call.line)
            if index > 0 { out += separator }
            out += str(part)
        }
        return .string(out)
    }

    static let replace: Filter = { run, value, call throws(TemplateError) in
        let (old, new) = (str(try call.required(0, "old")), str(try call.required(1, "new")))
        let count = try call.integer(2, "count", default: -1)
        return .string(
            try TemplateStrings.replace(str(value), old, new, count) { size throws(TemplateError) in try run.meter.check(size: size, line: call.line) })
    }

    /// Every line but the first by default; lines that are empty stay so.
    static let indent: Filter = { run, value, call throws(TemplateError) in
        let given = call.argument(0, "width") ?? .int(4)
        guard let width = given.string ?? given.integer.map({ TemplateText(String(repeating: " ", count: min(max($0, 0), 4096))) }) else {
            throw TemplateError(.type, line: call.line, "an indent of \(given.kind)")
        }
        let blank = call.flag(2, "blank", default: false)
        let lines = TemplateStrings.lines(str(value) + TemplateText("\n"), keepsEnds: false)
        var out = call.flag(1, "first", default: false) ? width : TemplateText()
        for (index, line) in lines.enumerated() {
            if index > 0 { out += TemplateText("\n") + (line.isEmpty && !blank ? TemplateText() : width) }
            out += line
            try run.meter.check(size: out.count, line: call.line)
        }
        return .string(out)
    }

    static let center: Filter = { run, value, call throws(TemplateError) in
        let width = TemplateCall(positional: [.int(try call.integer(0, "width", default: 80))], line: call.line)
        return try TemplateStrings.call("center", of: str(value), width) { size throws(TemplateError) in
            try run.meter.check(size: size, line: call.line)
        }
    }

    static let format: Filter = { run, value, call throws(TemplateError) in
        .string(
            try TemplateFormat.percent(str(value), call.positional, line: call.line) { size throws(TemplateError) in
                try run.meter.check(size: size, line: call.line)
            })
    }

    /// Each word with a great first letter; words begin after white space, hyphens and opening brackets.
    static let title: Filter = { _, value, _ in
        var isInWord = false
        return .string(
            str(value).mapped { scalar in
                let parts = TemplateText.isSpace(scalar.value) || "-({[<".unicodeScalars.contains(scalar)
                defer { isInWord = !parts }
                return isInWord && !parts ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
            })
    }

    static let escape: Filter = { _, value, _ in
        let text = str(value)
        return text.isMarkup ? value : markup(TemplateOperations.escaped(text))
    }

    static let forceescape: Filter = { _, value, _ in markup(TemplateOperations.escaped(str(value))) }

    static let safe: Filter = { _, value, _ in markup(str(value)) }

    private static func markup(_ text: TemplateText) -> TemplateValue {
        var text = text
        text.isMarkup = true
        return .string(text)
    }

    static let truncate: Filter = { _, value, call throws(TemplateError) in
        let text = str(value)
        let end = try call.text(2, "end") ?? TemplateText("...")
        let length = try call.integer(0, "length", default: 255)
        let leeway = try call.integer(3, "leeway", default: 5)
        guard length >= end.count, leeway >= 0 else { throw TemplateError(.type, line: call.line, "truncate: a length shorter than its end") }
        if text.count - leeway <= length { return .string(text) }
        let cut = text.slice(0, length - end.count)
        if call.flag(1, "killwords", default: false) { return .string(cut + end) }
        let space = cut.lastIndex(of: TemplateText(" "))
        return .string((space.map { cut.slice(0, $0) } ?? cut) + end)
    }

    static let urlencode: Filter = { _, value, _ in
        var out = TemplateText()
        for byte in str(value).string.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isPlain = byte < 0x80 && (TemplateValue.isName(String(scalar)) || ".~/".unicodeScalars.contains(scalar))
            out += isPlain ? TemplateText(String(scalar)) : TemplateText("%" + TemplatePrinter.hex(UInt32(byte), 2).uppercased())
        }
        return .string(out)
    }

    /// Runs of letters, digits and underscores.
    static func wordCount(_ text: TemplateText) -> Int {
        var (count, isInWord) = (0, false)
        for unit in text.units {
            let properties = Unicode.Scalar(unit & TemplateText.valueMask)?.properties
            let isWord = unit & TemplateText.valueMask == 0x5F || (properties?.isAlphabetic ?? false) || properties?.numericType != nil
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return count
    }
}
