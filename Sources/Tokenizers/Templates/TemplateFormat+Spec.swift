/// Python's mini-language behind the colon of `"{:>5}".format(...)`: `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct TemplateFormatSpec {
    private enum Align { case left, right, middle, afterSign }

    private var fill: UInt32 = 0x20
    private var align: Align?
    private var sign: Character = "-"
    private var width = 0
    private var groups: Character?
    private var precision: Int?
    private var type: Character?
    private let line: Int

    init(_ spec: TemplateText, line: Int) throws(TemplateError) {
        self.line = line
        var at = 0
        func character(_ index: Int) -> Character? {
            index < spec.count ? Unicode.Scalar(spec.units[index] & TemplateText.valueMask).map { Character($0) } : nil
        }
        func align(_ character: Character?) -> Align? {
            switch character {
            case "<": .left
            case ">": .right
            case "^": .middle
            case "=": .afterSign
            default: nil
            }
        }
        func number() -> Int? {
            var value: Int?
            while let digit = character(at)?.wholeNumberValue, character(at)?.isASCII == true {
                value = min((value ?? 0) * 10 + digit, 4096)
                at += 1
            }
            return value
        }
        let isFilled = align(character(1)) != nil
        if let found = align(character(1)) {
            (fill, self.align, at) = (spec.units[0], found, 2)
        } else if let found = align(character(0)) {
            (self.align, at) = (found, 1)
        }
        if let found = character(at), "+- ".contains(found) { (sign, at) = (found, at + 1) }
        if character(at) == "0" {
            if !isFilled { fill = 0x30 }
            self.align = self.align ?? .afterSign
        }
        width = number() ?? 0
        if let found = character(at), ",_".contains(found) { (groups, at) = (found, at + 1) }
        if character(at) == "." {
            at += 1
            guard let digits = number() else { throw TemplateError(.type, line: line, "a format without its precision") }
            precision = digits
        }
        if let found = character(at), "sdfFxXob%".contains(found) { (type, at) = (found, at + 1) }
        guard at == spec.count else { throw TemplateError(.unsupported, line: line, "the format '\(spec.string)' of a field") }
    }

    func text(_ value: TemplateValue) throws(TemplateError) -> TemplateText {
        guard let number = value.number else {
            guard type == nil || type == "s", align != .afterSign, value.string != nil else {
                throw TemplateError(.type, line: line, "this format of \(value.kind)")
            }
            return padded(TemplateText(), cut(TemplatePrinter.str(value)), .left)
        }
        guard type != "s" else { throw TemplateError(.type, line: line, "the format 's' of \(value.kind)") }
        let (isNegative, digits) = try digits(value, number)
        let front = isNegative ? "-" : sign == "-" ? "" : String(sign)
        return padded(TemplateText(front), TemplateText(digits), .right)
    }

    private func cut(_ text: TemplateText) -> TemplateText { precision.map { text.slice(0, min($0, text.count)) } ?? text }

    /// The digits without a sign.
    private func digits(_ value: TemplateValue, _ number: Double) throws(TemplateError) -> (isNegative: Bool, String) {
        switch type {
        case "f", "F", "%":
            let scaled = type == "%" ? number * 100 : number
            let text = TemplateFormat.fixed(scaled.magnitude, precision ?? 6) + (type == "%" ? "%" : "")
            return (scaled.sign == .minus && !scaled.isNaN, grouped(text))
        case nil where value.integer == nil:
            guard precision == nil else { throw TemplateError(.unsupported, line: line, "a precision without a type") }
            return (number.sign == .minus, grouped(TemplatePrinter.str(.float(number.magnitude)).string))
        default:
            guard let whole = value.integer, precision == nil else { throw TemplateError(.type, line: line, "this format of \(value.kind)") }
            let radix = ["x": 16, "X": 16, "o": 8, "b": 2][type ?? "d"] ?? 10
            guard radix == 10 || groups == nil else { throw TemplateError(.unsupported, line: line, "groups of digits that are no decimals") }
            return (whole < 0, grouped(String(whole.magnitude, radix: radix, uppercase: type == "X")))
        }
    }

    /// Thousands set apart, before the point.
    private func grouped(_ digits: String) -> String {
        guard let groups else { return digits }
        let whole = digits.prefix { $0.isNumber }
        var out = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { out.append(groups) }
            out.append(digit)
        }
        return out + digits.dropFirst(whole.count)
    }

    private func padded(_ front: TemplateText, _ text: TemplateText, _ usual: Align) -> TemplateText {
        let missing = max(width - front.count - text.count, 0)
        func filling(_ count: Int) -> TemplateText { TemplateText(units: Array(repeating: fill, count: count)) }
        switch align ?? usual {
        case .left: return front + text + filling(missing)
        case .right: return filling(missing) + front + text
        case .middle: return filling(missing / 2) + front + text + filling(missing - missing / 2)
        case .afterSign: return front + filling(missing) + text
        }
    }
}
