/// Python's two ways of putting values into a text: `%` and `format`.
enum TemplateFormat {
    /// `"%s of %d" % (a, b)`: the conversions s, r, d, i, f, x and %%, with width and precision.
    static func percent(
        _ format: TemplateText, _ values: [TemplateValue], line: Int, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateText {
        var out = TemplateText()
        var rest = values[...]
        var at = 0
        while at < format.count {
            let unit = format.units[at]
            at += 1
            guard unit & TemplateText.valueMask == 0x25 else {
                out.units.append(unit)
                continue
            }
            let field = try Field(format, &at, line)
            if field.conversion == "%" {
                out.units.append(unit)
                continue
            }
            guard let value = rest.popFirst() else { throw TemplateError(.type, line: line, "too few values for the format") }
            out += try field.text(value, line)
            try allow(out.count)
        }
        if let first = rest.first {
            if case .dict = first { return out }
            throw TemplateError(.type, line: line, "too many values for the format")
        }
        return out
    }

    private struct Field {
        var width = 0
        var precision: Int?
        var isLeft = false
        var fillsZeros = false
        var conversion: Character = "s"

        init(_ format: TemplateText, _ at: inout Int, _ line: Int) throws(TemplateError) {
            func next() -> UInt32 { at < format.count ? format.units[at] & TemplateText.valueMask : 0 }
            while next() == 0x2D || next() == 0x30 {
                if next() == 0x2D { isLeft = true } else { fillsZeros = true }
                at += 1
            }
            width = Self.number(format, &at)
            if next() == 0x2E {
                at += 1
                precision = Self.number(format, &at)
            }
            guard let scalar = Unicode.Scalar(next()), "srdifx%".unicodeScalars.contains(scalar) else {
                throw TemplateError(.unsupported, line: line, "a conversion in a format")
            }
            conversion = Character(scalar)
            at += 1
        }

        private static func number(_ format: TemplateText, _ at: inout Int) -> Int {
            var value = 0
            while at < format.count, case let digit = format.units[at] & TemplateText.valueMask, (0x30...0x39).contains(digit) {
                value = min(value * 10 + Int(digit - 0x30), 4096)
                at += 1
            }
            return value
        }

        func text(_ value: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateText {
            var text = try converted(value, line)
            let missing = width - text.count
            guard missing > 0 else { return text }
            let fill = TemplateText(units: Array(repeating: fillsZeros && !isLeft ? 0x30 : 0x20, count: missing))
            text = isLeft ? text + fill : fill + text
            return text
        }

        private func converted(_ value: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateText {
            switch conversion {
            case "s":
                let text = TemplatePrinter.str(value)
                return precision.map { text.slice(0, min($0, text.count)) } ?? text
            case "r": return TemplatePrinter.repr(value)
            case "f":
                guard let number = value.number else { throw TemplateError(.type, line: line, "%f of \(value.kind)") }
                return TemplateText(TemplateFormat.fixed(number, precision ?? 6))
            default:
                guard let number = value.number.flatMap({ Int(exactly: $0.rounded(.towardZero)) }) else {
                    throw TemplateError(.type, line: line, "%\(conversion) of \(value.kind)")
                }
                return TemplateText(String(value.integer ?? number, radix: conversion == "x" ? 16 : 10))
            }
        }
    }

    /// A number with a fixed count of digits after the point; ties go to even, as in C.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return TemplateMath.fixed(value, min(max(digits, 0), 300))
    }

    /// `"{} of {name:>8}".format(a, name=b)`: fields by place or name, with `!r` and a format of their own where they have one.
    static func braces(_ format: TemplateText, _ call: TemplateCall, allow: TemplateOperations.Allowance) throws(TemplateError) -> TemplateText {
        var out = TemplateText()
        var (at, automatic) = (0, 0)
        while at < format.count {
            let value = format.units[at] & TemplateText.valueMask
            at += 1
            let doubled = at < format.count && format.units[at] & TemplateText.valueMask == value
            guard value == 0x7B || value == 0x7D else {
                out.units.append(format.units[at - 1])
                continue
            }
            if doubled {
                out.units.append(format.units[at])
                at += 1
                continue
            }
            guard value == 0x7B, let end = format.firstIndex(of: TemplateText("}"), from: at) else {
                throw TemplateError(.type, line: call.line, "a single brace in a format")
            }
            out += try filled(format.slice(at, end), &automatic, call)
            try allow(out.count)
            at = end + 1
        }
        return out
    }

    /// One field: what it names, the conversion behind `!`, the format behind `:`.
    private static func filled(_ field: TemplateText, _ automatic: inout Int, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        let colon = field.firstIndex(of: TemplateText(":")) ?? field.count
        let mark = field.slice(0, colon).firstIndex(of: TemplateText("!")) ?? colon
        var value = try self.field(field.slice(0, mark).string, &automatic, call)
        switch field.slice(mark, colon).string {
        case "": break
        case "!s": value = .string(TemplatePrinter.str(value))
        case "!r": value = .string(TemplatePrinter.repr(value))
        default: throw TemplateError(.unsupported, line: call.line, "a conversion in a format")
        }
        guard colon + 1 < field.count else { return TemplatePrinter.str(value) }
        return try TemplateFormatSpec(field.slice(colon + 1, field.count), line: call.line).text(value)
    }

    private static func field(_ name: String, _ automatic: inout Int, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        var index = Int(name)
        if name.isEmpty {
            index = automatic
            automatic += 1
        }
        if let index, index >= 0, index < call.positional.count { return call.positional[index] }
        if index == nil, let value = call.named.first(where: { $0.name == name })?.value { return value }
        guard TemplateValue.isName(name) else { throw TemplateError(.unsupported, line: call.line, "a format within a field") }
        throw TemplateError(.type, line: call.line, "there is no value for the field '\(name)'")
    }
}
