/// Methods of Python's strings.
enum TemplateStrings {
    static func call(
        _ name: String, of text: TemplateText, _ call: TemplateCall, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateValue {
        switch name {
        case "strip", "lstrip", "rstrip":
            return .string(strip(text, try call.text(0, "chars"), left: name != "rstrip", right: name != "lstrip"))
        case "split", "rsplit":
            let count = try call.integer(1, "maxsplit", default: -1)
            return .list(try split(text, by: try call.text(0, "sep"), count, fromRight: name == "rsplit", call.line).map { .string($0) })
        case "splitlines": return .list(lines(text, keepsEnds: call.flag(0, "keepends", default: false)).map { .string($0) })
        case "startswith", "endswith": return .bool(try ends(text, call, atStart: name == "startswith"))
        case "upper": return .string(text.mapped { $0.properties.uppercaseMapping })
        case "lower", "casefold": return .string(text.lowercased)
        case "title": return .string(title(text))
        case "capitalize": return .string(capitalize(text))
        case "swapcase":
            return .string(text.mapped { $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping })
        case "replace":
            guard let old = try call.text(0, "old"), let new = try call.text(1, "new") else { throw missing("old and new", call) }
            return .string(try replace(text, old, new, try call.integer(2, "count", default: -1), allow: allow))
        case "find", "rfind", "index", "rindex", "count": return try find(name, text, call)
        case "join":
            let values = try elements(try call.required(0, "iterable"), call)
            return .string(try join(values, with: text, call, allow: allow))
        case "format": return .string(try TemplateFormat.braces(text, call, allow: allow))
        case "removeprefix", "removesuffix": return .string(try without(text, call, prefix: name == "removeprefix"))
        case "zfill", "ljust", "rjust", "center": return .string(try padded(name, text, call, allow: allow))
        case "partition", "rpartition": return try partition(text, call, fromRight: name == "rpartition")
        case "encode", "expandtabs": throw TemplateError(.unsupported, line: call.line, "chat templates have no '\(name)'")
        default: return .bool(classify(name, text))
        }
    }

    private static func missing(_ what: String, _ call: TemplateCall) -> TemplateError {
        TemplateError(.type, line: call.line, "the argument \(what) is missing")
    }

    private static func elements(_ value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> [TemplateValue] {
        guard let elements = TemplateOperations.elements(of: value) else { throw TemplateError(.type, line: call.line, "\(value.kind) has no elements") }
        return elements
    }

    static func strip(_ text: TemplateText, _ characters: TemplateText?, left: Bool = true, right: Bool = true) -> TemplateText {
        let set = characters.map { Set($0.units.map { $0 & TemplateText.valueMask }) }
        func goes(_ unit: UInt32) -> Bool { set.map { $0.contains(unit & TemplateText.valueMask) } ?? TemplateText.isSpace(unit) }
        var (start, end) = (0, text.count)
        if left { while start < end, goes(text.units[start]) { start += 1 } }
        if right { while end > start, goes(text.units[end - 1]) { end -= 1 } }
        return text.slice(start, end)
    }

    private static func split(
        _ text: TemplateText, by separator: TemplateText?, _ count: Int, fromRight: Bool, _ line: Int
    ) throws(TemplateError) -> [TemplateText] {
        guard let separator else { return words(text, count, fromRight: fromRight) }
        if separator.isEmpty { throw TemplateError(.type, line: line, "an empty separator") }
        var cuts: [Int] = []
        var at = 0
        while let found = text.firstIndex(of: separator, from: at) {
            cuts.append(found)
            at = found + separator.count
        }
        if count >= 0 { cuts = fromRight ? Array(cuts.suffix(count)) : Array(cuts.prefix(count)) }
        var parts: [TemplateText] = []
        var start = 0
        for cut in cuts {
            parts.append(text.slice(start, cut))
            start = cut + separator.count
        }
        return parts + [text.slice(start, text.count)]
    }

    /// Without a separator: runs of white space part words.
    private static func words(_ text: TemplateText, _ count: Int, fromRight: Bool) -> [TemplateText] {
        var ranges: [Range<Int>] = []
        var start: Int?
        for index in 0...text.count {
            let isWord = index < text.count && !TemplateText.isSpace(text.units[index])
            if isWord, start == nil { start = index }
            if !isWord, let from = start {
                ranges.append(from..<index)
                start = nil
            }
        }
        guard count >= 0, ranges.count > count else { return ranges.map { text.slice($0.lowerBound, $0.upperBound) } }
        if fromRight {
            let kept = ranges.suffix(count)
            let rest = ranges[ranges.count - count - 1].upperBound
            return [text.slice(0, rest)] + kept.map { text.slice($0.lowerBound, $0.upperBound) }
        }
        let rest = text.slice(ranges[count].lowerBound, text.count)
        return ranges.prefix(count).map { text.slice($0.lowerBound, $0.upperBound) } + [rest]
    }

    static func lines(_ text: TemplateText, keepsEnds: Bool) -> [TemplateText] {
        var lines: [TemplateText] = []
        var (start, at) = (0, 0)
        while at < text.count {
            let value = text.units[at] & TemplateText.valueMask
            at += 1
            guard [0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029].contains(value) else { continue }
            let end = at - 1
            if value == 0x0D, at < text.count, text.units[at] & TemplateText.valueMask == 0x0A { at += 1 }
            lines.append(text.slice(start, keepsEnds ? at : end))
            start = at
        }
        if start < text.count { lines.append(text.slice(start, text.count)) }
        return lines
    }

    private static func ends(_ text: TemplateText, _ call: TemplateCall, atStart: Bool) throws(TemplateError) -> Bool {
        let given = try call.required(0, "prefix")
        let candidates: [TemplateValue] = if case .tuple(let values) = given { values } else { [given] }
        for candidate in candidates {
            guard let part = candidate.string else { throw TemplateError(.type, line: call.line, "a string begins with strings, not \(candidate.kind)") }
            if part.count <= text.count, text.matches(part, at: atStart ? 0 : text.count - part.count) { return true }
        }
        return false
    }

    static func capitalize(_ text: TemplateText) -> TemplateText {
        text.slice(0, min(1, text.count)).mapped { $0.properties.titlecaseMapping } + text.slice(1, text.count).lowercased
    }

    private static func title(_ text: TemplateText) -> TemplateText {
        var isInWord = false
        return text.mapped { scalar in
            defer { isInWord = scalar.properties.isCased }
            return isInWord ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
        }
    }

    static func replace(
        _ text: TemplateText, _ old: TemplateText, _ new: TemplateText, _ count: Int, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateText {
        var out = TemplateText()
        var (at, left) = (0, count < 0 ? Int.max : count)
        while left > 0, let found = text.firstIndex(of: old, from: at) {
            try allow(out.count + found - at + new.count)
            out += text.slice(at, found) + new
            left -= 1
            if old.isEmpty {
                guard found < text.count else { return out }
                out.units.append(text.units[found])
                at = found + 1
            } else {
                at = found + old.count
            }
        }
        return out + text.slice(at, text.count)
    }

    private static func find(_ name: String, _ text: TemplateText, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        guard let part = try call.text(0, "sub") else { throw missing("sub", call) }
        if call.positional.count > 1 { throw TemplateError(.unsupported, line: call.line, "'\(name)' within bounds") }
        if name == "count" {
            var (count, at) = (0, 0)
            while let found = text.firstIndex(of: part, from: at) {
                count += 1
                at = found + max(part.count, 1)
            }
            return .int(count)
        }
        let place = name.hasPrefix("r") ? text.lastIndex(of: part) : text.firstIndex(of: part)
        if place == nil, name.hasSuffix("index") { throw TemplateError(.type, line: call.line, "the substring is not there") }
        return .int(place ?? -1)
    }

    static func join(
        _ values: [TemplateValue], with separator: TemplateText, _ call: TemplateCall, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateText {
        var out = TemplateText()
        for (index, value) in values.enumerated() {
            if index > 0 { out += separator }
            guard let part = value.string else { throw TemplateError(.type, line: call.line, "a string joins strings, not \(value.kind)") }
            try allow(out.count + part.count)
            out += part
        }
        return out
    }

    private static func without(_ text: TemplateText, _ call: TemplateCall, prefix: Bool) throws(TemplateError) -> TemplateText {
        guard let part = try call.text(0, "prefix") else { throw missing("prefix", call) }
        guard part.count <= text.count, text.matches(part, at: prefix ? 0 : text.count - part.count) else { return text }
        return prefix ? text.slice(part.count, text.count) : text.slice(0, text.count - part.count)
    }

    private static func padded(
        _ name: String, _ text: TemplateText, _ call: TemplateCall, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateText {
        let width = try call.integer(0, "width", default: 0)
        let missing = width.subtractingReportingOverflow(text.count).partialValue
        guard width > text.count else { return text }
        try allow(width)
        let fill = try call.text(1, "fillchar")?.units.first ?? (name == "zfill" ? 0x30 : 0x20)
        func filling(_ count: Int) -> TemplateText { TemplateText(units: Array(repeating: fill, count: count)) }
        switch name {
        case "ljust": return text + filling(missing)
        case "rjust": return filling(missing) + text
        case "center":
            let left = missing / 2 + (missing & width & 1)
            return filling(left) + text + filling(missing - left)
        default:
            let sign = text.units.first.map { [0x2B, 0x2D].contains($0 & TemplateText.valueMask) } ?? false
            return text.slice(0, sign ? 1 : 0) + filling(missing) + text.slice(sign ? 1 : 0, text.count)
        }
    }

    private static func partition(_ text: TemplateText, _ call: TemplateCall, fromRight: Bool) throws(TemplateError) -> TemplateValue {
        guard let separator = try call.text(0, "sep"), !separator.isEmpty else { throw missing("sep", call) }
        guard let found = fromRight ? text.lastIndex(of: separator) : text.firstIndex(of: separator) else {
            let (whole, none) = (TemplateValue.string(text), TemplateValue.string(TemplateText()))
            return .tuple(fromRight ? [none, none, whole] : [whole, none, none])
        }
        return .tuple([.string(text.slice(0, found)), .string(separator), .string(text.slice(found + separator.count, text.count))])
    }

    private static func classify(_ name: String, _ text: TemplateText) -> Bool {
        let scalars = text.units.compactMap { Unicode.Scalar($0 & TemplateText.valueMask) }
        if scalars.isEmpty { return false }
        func isNumeric(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.numericType != nil }
        switch name {
        case "isspace": return text.units.allSatisfy(TemplateText.isSpace)
        case "isdigit": return scalars.allSatisfy { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        case "isdecimal": return scalars.allSatisfy { $0.properties.numericType == .decimal }
        case "isnumeric": return scalars.allSatisfy(isNumeric)
        case "isalpha": return scalars.allSatisfy(isLetter)
        case "isalnum": return scalars.allSatisfy { isLetter($0) || isNumeric($0) }
        case "isupper": return scalars.contains { $0.properties.isCased } && scalars.allSatisfy { !$0.properties.isLowercase }
        default: return scalars.contains { $0.properties.isCased } && scalars.allSatisfy { !$0.properties.isUppercase }
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
