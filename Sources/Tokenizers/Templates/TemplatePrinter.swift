/// Values as text: as Python's `str`, `repr` and `json.dumps` write them.
enum TemplatePrinter {
    /// What `{{ value }}` prints.
    static func str(_ value: TemplateValue) -> TemplateText {
        switch value {
        case .undefined: TemplateText()
        case .string(let text): text
        default: repr(value)
        }
    }

    static func repr(_ value: TemplateValue) -> TemplateText {
        switch value {
        case .undefined: TemplateText("Undefined")
        case .null: TemplateText("None")
        case .bool(let flag): TemplateText(flag ? "True" : "False")
        case .int(let number): TemplateText(String(number))
        case .float(let number): TemplateText(float(number))
        case .string(let text): quoted(text)
        case .list(let values): joined("[", values.map(repr), "]")
        case .tuple(let values): values.count == 1 ? joined("(", values.map(repr), ",)") : joined("(", values.map(repr), ")")
        case .dict(let dict): joined("{", dict.items.map { repr($0.key) + TemplateText(": ") + repr($0.value) }, "}")
        case .namespace: TemplateText("<Namespace>")
        case .loop: TemplateText("<LoopContext>")
        case .function: TemplateText("<function>")
        }
    }

    private static func joined(_ open: String, _ parts: [TemplateText], _ close: String) -> TemplateText {
        var out = TemplateText(open)
        for (index, part) in parts.enumerated() {
            if index > 0 { out += TemplateText(", ") }
            out += part
        }
        return out + TemplateText(close)
    }

    /// Python's `repr` of a float: the shortest digits, an exponent below 1e-4 and from 1e16 on.
    static func float(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        let (sign, digits, exponent) = decimal(value)
        if exponent < -4 || exponent >= 16 {
            let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
            let size = String(exponent.magnitude)
            let power = (exponent < 0 ? "-" : "+") + (size.count < 2 ? "0" : "") + size
            return "\(sign)\(digits.prefix(1))\(fraction)e\(power)"
        }
        if exponent < 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)" }
        let zeros = String(repeating: "0", count: max(exponent + 1 - digits.count, 0))
        let rest = digits.count > exponent + 1 ? String(digits.dropFirst(exponent + 1)) : "0"
        return "\(sign)\(digits.prefix(exponent + 1))\(zeros).\(rest)"
    }

    /// Sign, digits without zeros around them, and the exponent of the first digit.
    private static func decimal(_ value: Double) -> (String, String, Int) {
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return (sign, "0", 0) }
        var mantissa = Substring(value.magnitude.description)
        var exponent = 0
        if let mark = mantissa.firstIndex(of: "e") {
            exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
            mantissa = mantissa[..<mark]
        }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts[0], fraction = parts.count > 1 ? parts[1] : ""
        let all = String(whole + fraction)
        let leading = all.prefix { $0 == "0" }.count
        let digits = String(all.dropFirst(leading).reversed().drop { $0 == "0" }.reversed())
        return (sign, digits, exponent + whole.count - 1 - leading)
    }

    /// Python's `repr` of a string.
    private static func quoted(_ text: TemplateText) -> TemplateText {
        let values = text.units.map { $0 & TemplateText.valueMask }
        let quote: UInt32 = values.contains(0x27) && !values.contains(0x22) ? 0x22 : 0x27
        var out: [UInt32] = [quote]
        for unit in text.units {
            let value = unit & TemplateText.valueMask
            guard let escape = escape(value, quote) else {
                out.append(unit)
                continue
            }
            out += escape.unicodeScalars.map(\.value)
        }
        return TemplateText(units: out + [quote])
    }

    private static func escape(_ value: UInt32, _ quote: UInt32) -> String? {
        switch value {
        case 0x5C: return "\\\\"
        case quote: return quote == 0x27 ? "\\'" : "\\\""
        case 0x0A: return "\\n"
        case 0x0D: return "\\r"
        case 0x09: return "\\t"
        case 0x20...0x7E: return nil
        default: break
        }
        guard let scalar = Unicode.Scalar(value), isPrintable(scalar) else {
            if value < 0x100 { return "\\x" + hex(value, 2) }
            return value < 0x10000 ? "\\u" + hex(value, 4) : "\\U" + hex(value, 8)
        }
        return nil
    }

    static func hex(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator: false
        default: true
        }
    }
}
