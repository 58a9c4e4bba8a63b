/// The filters of chat templates: those of Jinja that need no network, no random numbers and no HTML beyond escapes.
enum TemplateFilters {
    typealias Filter = @Sendable (TemplateRun, TemplateValue, TemplateCall) throws(TemplateError) -> TemplateValue

    static let names = Set(all.keys)

    static let all: [String: Filter] = [
        "abs": absolute, "attr": attribute, "batch": batch, "capitalize": { _, v, _ in .string(TemplateStrings.capitalize(str(v))) },
        "center": center, "count": length, "d": fallback, "default": fallback, "dictsort": dictsort, "e": escape, "escape": escape,
        "first": { _, v, c throws(TemplateError) in try elements(v, c).first ?? .undefined("there is no first element") },
        "float": { _, v, c in .float(float(v) ?? c.argument(0, "default")?.number ?? 0) }, "forceescape": forceescape, "format": format,
        "groupby": groupby, "indent": indent, "int": int, "items": items, "join": join,
        "last": { _, v, c throws(TemplateError) in try elements(v, c).last ?? .undefined("there is no last element") },
        "length": length, "list": { _, v, c throws(TemplateError) in .list(try elements(v, c)) },
        "lower": { _, v, _ in .string(str(v).lowercased) }, "map": map,
        "max": { r, v, c throws(TemplateError) in try extreme(r, v, c, greatest: true) },
        "min": { r, v, c throws(TemplateError) in try extreme(r, v, c, greatest: false) },
        "pprint": { _, v, _ in .string(TemplatePrinter.repr(v)) },
        "reject": { r, v, c throws(TemplateError) in try select(r, v, c, keeps: false, byAttribute: false) },
        "rejectattr": { r, v, c throws(TemplateError) in try select(r, v, c, keeps: false, byAttribute: true) },
        "replace": replace, "reverse": reverse, "round": round, "safe": safe,
        "select": { r, v, c throws(TemplateError) in try select(r, v, c, keeps: true, byAttribute: false) },
        "selectattr": { r, v, c throws(TemplateError) in try select(r, v, c, keeps: true, byAttribute: true) },
        "slice": slices, "sort": sort, "string": { _, v, _ in .string(str(v)) }, "sum": sum, "title": title, "tojson": tojson, "trim": trim,
        "truncate": truncate, "unique": unique, "upper": { _, v, _ in .string(str(v).mapped { $0.properties.uppercaseMapping }) },
        "urlencode": urlencode, "wordwrap": wordwrap, "wordcount": { _, v, _ in .int(wordCount(str(v))) },
    ]

    static func str(_ value: TemplateValue) -> TemplateText { TemplatePrinter.str(value) }

    static func elements(_ value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> [TemplateValue] {
        guard let elements = TemplateOperations.elements(of: value) else { throw TemplateError(.type, line: call.line, "\(value.kind) has no elements") }
        return elements
    }

    /// `a.b.0` of an element, as `attribute=` names it.
    static func member(_ value: TemplateValue, _ path: TemplateValue, _ line: Int) throws(TemplateError) -> TemplateValue {
        guard let text = path.string?.string else { return try TemplateOperations.item(of: value, path, line: line) }
        var value = value
        for part in text.split(separator: ".", omittingEmptySubsequences: false) {
            value = try TemplateOperations.item(of: value, Int(part).map { .int($0) } ?? .text(String(part)), line: line)
        }
        return value
    }
}

// Values of any kind
extension TemplateFilters {
    private static let fallback: Filter = { _, value, call in
        let other = call.argument(0, "default_value") ?? .string(TemplateText())
        if case .undefined = value { return other }
        return call.flag(1, "boolean", default: false) && !value.isTrue ? other : value
    }

    private static let length: Filter = { _, value, call throws(TemplateError) in .int(try elements(value, call).count) }

    private static let absolute: Filter = { _, value, call throws(TemplateError) in
        if case .float(let number) = value { return .float(number.magnitude) }
        guard let number = value.integer, number != .min else { throw TemplateError(.type, line: call.line, "no absolute value of \(value.kind)") }
        return .int(abs(number))
    }

    private static let attribute: Filter = { _, value, call throws(TemplateError) in
        let name = str(try call.required(0, "name")).string
        if case .dict = value { return .undefined("an object has members, not attributes") }
        return try TemplateOperations.attribute(of: value, name, line: call.line)
    }

    private static let int: Filter = { _, value, call throws(TemplateError) in
        let fallback = call.argument(0, "default") ?? .int(0)
        if let whole = value.integer { return .int(whole) }
        if let text = value.string {
            let cleaned = TemplateStrings.strip(text, nil).string
            let base = try call.integer(1, "base", default: 10)
            guard (2...36).contains(base) else { throw TemplateError(.type, line: call.line, "base \(base)") }
            if let number = Int(cleaned, radix: base) { return .int(number) }
        }
        guard let number = float(value), number.isFinite, let whole = Int(exactly: number.rounded(.towardZero)) else { return fallback }
        return .int(whole)
    }

    private static func float(_ value: TemplateValue) -> Double? {
        if let text = value.string { return Double(TemplateStrings.strip(text, nil).string.filter { $0 != "_" }) }
        return value.number
    }

    private static let round: Filter = { _, value, call throws(TemplateError) in
        guard let number = value.number else { throw TemplateError(.type, line: call.line, "no rounding of \(value.kind)") }
        let digits = try call.integer(0, "precision", default: 0)
        let method = try call.text(1, "method")?.string ?? "common"
        if method == "common" {
            if let whole = value.integer, digits >= 0 { return .int(whole) }
            if (0...300).contains(digits), let rounded = Double(TemplateFormat.fixed(number, digits)) { return .float(rounded) }
            let scale = TemplateMath.power(10, Double(digits))
            return .float((number * scale).rounded(.toNearestOrEven) / scale)
        }
        let scale = TemplateMath.power(10, Double(digits))
        return .float((number * scale).rounded(method == "ceil" ? .up : .down) / scale)
    }

    private static let tojson: Filter = { _, value, call throws(TemplateError) in
        var json = TemplateJSON()
        json.escapesNonASCII = call.flag(0, "ensure_ascii", default: false)
        switch call.argument(1, "indent") {
        case nil, .some(.null): break
        case .string(let text)?: json.indent = text
        case let other?:
            guard let width = other.integer, width <= 256 else { throw TemplateError(.type, line: call.line, "an indent of \(other.kind)") }
            json.indent = TemplateText(String(repeating: " ", count: max(width, 0)))
        }
        if json.indent != nil { json.itemSeparator = TemplateText(",") }
        if let separators = call.argument(2, "separators"), let parts = TemplateOperations.elements(of: separators), parts.count == 2 {
            (json.itemSeparator, json.keySeparator) = (str(parts[0]), str(parts[1]))
        }
        json.sortsKeys = call.flag(3, "sort_keys", default: false)
        guard let text = json.text(value) else { throw TemplateError(.type, line: call.line, "tojson: \(value.kind) or what it holds has no form in JSON") }
        return .string(text)
    }
}
