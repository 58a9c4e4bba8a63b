/// Numbers as people read them.
public enum Number {
    /// At most `digits` decimals, trailing zeros dropped: 1.5, 12, 0.003.
    public static func short(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        var text = fixed(value, digits: digits)
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text == "-0" ? "0" : text
    }

    /// Exactly `digits` decimals.
    public static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return short(value, digits: 0) }
        guard abs(value) < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = (abs(value) * scale).rounded()
        guard whole < 9e18 else { return "\(value)" }
        let count = Int64(whole)
        let units = count / Int64(scale)
        let sign = value < 0 && count != 0 ? "-" : ""
        guard digits > 0 else { return sign + "\(units)" }
        let rest = String(count % Int64(scale))
        return sign + "\(units)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// Three significant digits, powers of ten where that is shorter: 3e-4, 0.0123, 4.57, 12,300.
    public static func significant(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return short(value, digits: 0) }
        let size = abs(value)
        if size >= 1000 { return grouped(Int(clamping: Int64(max(-9e15, min(9e15, value.rounded()))))) }
        if size >= 100 { return short(value, digits: 1) }
        if size >= 1 { return short(value, digits: 3) }
        if size >= 0.001 { return short(value, digits: 5) }
        var (mantissa, exponent) = (value, 0)
        while abs(mantissa) < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
        return "\(short(mantissa, digits: 2))e\(exponent)"
    }

    /// 1,234,567.
    public static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var out = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return out
    }

    /// 850, 1.2K, 3.4M, 1.2B.
    public static func compact(_ value: Double) -> String {
        for (size, name) in [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")] where abs(value) >= size {
            let scaled = value / size
            return short(scaled, digits: abs(scaled) >= 100 ? 0 : 1) + name
        }
        return short(value, digits: 0)
    }
}
