/// `tojson`, as `json.dumps` writes it: separators with a space, or lines with an indent.
struct TemplateJSON {
    var escapesNonASCII = false
    var indent: TemplateText?
    var itemSeparator = TemplateText(", ")
    var keySeparator = TemplateText(": ")
    var sortsKeys = false

    /// Nil where a value has no form in JSON.
    func text(_ value: TemplateValue) -> TemplateText? {
        var out = TemplateText()
        return write(value, &out, level: 0) ? out : nil
    }

    private func write(_ value: TemplateValue, _ out: inout TemplateText, level: Int) -> Bool {
        switch value {
        case .null: out += TemplateText("null")
        case .bool(let flag): out += TemplateText(flag ? "true" : "false")
        case .int(let number): out += TemplateText(String(number))
        case .float(let number): out += TemplateText(Self.number(number))
        case .string(let text): quote(text, &out)
        case .list(let values), .tuple(let values):
            return list(values.count, "[", "]", &out, level) { index, out in write(values[index], &out, level: level + 1) }
        case .dict(let dict):
            var items = dict.items
            if sortsKeys { items.sort { TemplatePrinter.str($0.key) < TemplatePrinter.str($1.key) } }
            return list(items.count, "{", "}", &out, level) { index, out in
                guard let key = keyText(items[index].key) else { return false }
                quote(key, &out)
                out += keySeparator
                return write(items[index].value, &out, level: level + 1)
            }
        default: return false
        }
        return true
    }

    private func list(
        _ count: Int, _ open: String, _ close: String, _ out: inout TemplateText, _ level: Int, _ item: (Int, inout TemplateText) -> Bool
    ) -> Bool {
        out += TemplateText(open)
        for index in 0..<count {
            if index > 0 { out += itemSeparator }
            newLine(&out, level + 1)
            if !item(index, &out) { return false }
        }
        if count > 0 { newLine(&out, level) }
        out += TemplateText(close)
        return true
    }

    private func newLine(_ out: inout TemplateText, _ level: Int) {
        guard let indent else { return }
        out += TemplateText("\n")
        for _ in 0..<level { out += indent }
    }

    private static func number(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
        return TemplatePrinter.float(number)
    }

    private func keyText(_ key: TemplateValue) -> TemplateText? {
        switch key {
        case .string(let text): text
        case .null: TemplateText("null")
        case .bool(let flag): TemplateText(flag ? "true" : "false")
        case .int(let number): TemplateText(String(number))
        case .float(let number): TemplateText(Self.number(number))
        default: nil
        }
    }

    private func quote(_ text: TemplateText, _ out: inout TemplateText) {
        out.units.append(0x22)
        for unit in text.units {
            guard let escape = escape(unit & TemplateText.valueMask) else {
                out.units.append(unit)
                continue
            }
            out.units += escape.unicodeScalars.map { $0.value | unit & TemplateText.flags }
        }
        out.units.append(0x22)
    }

    private func escape(_ value: UInt32) -> String? {
        switch value {
        case 0x22: "\\\""
        case 0x5C: "\\\\"
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x09: "\\t"
        case 0x0C: "\\f"
        case 0x08: "\\b"
        case 0..<0x20: "\\u" + TemplatePrinter.hex(value, 4)
        case 0x7F... where escapesNonASCII: Self.unicodeEscape(value)
        default: nil
        }
    }

    private static func unicodeEscape(_ value: UInt32) -> String {
        if value < 0x10000 { return "\\u" + TemplatePrinter.hex(value, 4) }
        let rest = value - 0x10000
        return "\\u" + TemplatePrinter.hex(0xD800 + rest >> 10, 4) + "\\u" + TemplatePrinter.hex(0xDC00 + rest & 0x3FF, 4)
    }
}
