/// A regular expression (ECMA 262, the regular part of it) over the characters of a JSON string.
///
/// Classes by kind are those of ASCII, so that what is written matches whether an engine takes them as Unicode or not. What is no
/// regular language (back references, looking around) is refused.
struct SchemaPattern {
    typealias Fault = (ConstraintError.Kind, String) -> ConstraintError

    private let source: [UInt32]
    private var at = 0
    private var depth = 0
    private let budget: GrammarBudget
    private let fault: Fault

    static func expression(_ pattern: String, _ budget: GrammarBudget, fault: @escaping Fault) throws(ConstraintError) -> GrammarExpression {
        guard pattern.utf8.count <= 1 << 14 else { throw fault(.limit, "a pattern of more than \(1 << 14) bytes") }
        var parser = SchemaPattern(source: pattern.unicodeScalars.map(\.value), budget: budget, fault: fault)
        let result = try parser.topLevel()
        guard parser.at == parser.source.count else { throw fault(.syntax, "an unexpected ')'") }
        return result
    }

    private init(source: [UInt32], budget: GrammarBudget, fault: @escaping Fault) {
        self.source = source
        self.budget = budget
        self.fault = fault
    }

    private static let anything = GrammarExpression.repeated(SchemaStrings.character(of: .all), min: 0, max: nil)

    private func unit(_ ahead: Int = 0) -> UInt32 { at + ahead < source.count ? source[at + ahead] : 0 }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard at < source.count, source[at] == scalar.value else { return false }
        at += 1
        return true
    }

    /// Alternatives that may each be anchored; without an anchor anything may stand before or after.
    private mutating func topLevel() throws(ConstraintError) -> GrammarExpression {
        var parts: [GrammarExpression] = []
        repeat {
            let fromStart = take("^")
            let inner = try sequence()
            let toEnd = take("$")
            parts.append(.sequence((fromStart ? [] : [Self.anything]) + [inner] + (toEnd ? [] : [Self.anything])))
        } while take("|")
        return .choice(parts)
    }

    private mutating func alternatives() throws(ConstraintError) -> GrammarExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > min(budget.depth, 64) { throw fault(.limit, "groups nested too deeply") }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return .choice(parts)
    }

    private mutating func sequence() throws(ConstraintError) -> GrammarExpression {
        var parts: [GrammarExpression] = []
        while at < source.count {
            let next = source[at]
            if next == 0x7C || next == 0x29 { break }
            if next == 0x24 {
                guard depth == 0, at + 1 == source.count || unit(1) == 0x7C else { throw fault(.unsupported, "an anchor within the pattern") }
                break
            }
            if next == 0x5E { throw fault(.unsupported, "an anchor within the pattern") }
            parts.append(try repeated(try atom()))
        }
        return .sequence(parts)
    }

    private mutating func atom() throws(ConstraintError) -> GrammarExpression {
        if take("(") {
            if take("?") {
                guard take(":") || (unit() == 0x3C && unit(1) != 0x3D && unit(1) != 0x21 && skipName()) else {
                    throw fault(.unsupported, "looking ahead or behind")
                }
            }
            let inner = try alternatives()
            guard take(")") else { throw fault(.syntax, "')' is missing") }
            return inner
        }
        if take(".") { return SchemaStrings.character(of: ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029]).inverted) }
        if take("[") { return SchemaStrings.character(of: try characterClass()) }
        if take("\\") {
            let (set, _) = try escape(inClass: false)
            return SchemaStrings.character(of: set)
        }
        let next = unit()
        if [0x2A, 0x2B, 0x3F].contains(next) { throw fault(.syntax, "a repetition of nothing") }
        at += 1
        return SchemaStrings.character(of: ScalarSet(next))
    }

    private mutating func skipName() -> Bool {
        while at < source.count, source[at] != 0x3E { at += 1 }
        return take(">")
    }

    private mutating func repeated(_ atom: GrammarExpression) throws(ConstraintError) -> GrammarExpression {
        var (least, most): (Int, Int?) = (1, 1)
        switch unit() {
        case 0x2A: (least, most) = (0, nil)
        case 0x2B: (least, most) = (1, nil)
        case 0x3F: (least, most) = (0, 1)
        case 0x7B where (0x30...0x39).contains(unit(1)):
            at += 1
            least = try number()
            most = least
            if take(",") { most = unit() == 0x7D ? nil : try number() }
            guard unit() == 0x7D else { throw fault(.syntax, "'}' is missing") }
            if let most, most < least { throw fault(.syntax, "a repetition from \(least) to \(most)") }
        default: return atom
        }
        at += 1
        _ = take("?")  // a lazy repetition matches the same texts
        if [0x2A, 0x2B, 0x3F].contains(unit()) { throw fault(.syntax, "a repetition of a repetition") }
        return .repeated(atom, min: least, max: most)
    }

    private mutating func number() throws(ConstraintError) -> Int {
        var value = 0
        let start = at
        while (0x30...0x39).contains(unit()) {
            value = value * 10 + Int(unit() - 0x30)
            at += 1
            if value > 1 << 12 { throw fault(.limit, "a repetition of more than \(1 << 12)") }
        }
        if at == start { throw fault(.syntax, "a number is missing") }
        return value
    }

    private mutating func characterClass() throws(ConstraintError) -> ScalarSet {
        let isInverted = take("^")
        var set = ScalarSet()
        var isByKind = false
        while !take("]") {
            guard at < source.count else { throw fault(.syntax, "a class does not end") }
            let (low, isSet) = try classMember()
            isByKind = isByKind || isSet
            guard !isSet, unit() == 0x2D, unit(1) != 0x5D, let first = low.ranges.first?.lowerBound else {
                set = set.union(low)
                continue
            }
            at += 1
            guard at < source.count else { throw fault(.syntax, "a class does not end") }
            let (high, highIsSet) = try classMember()
            guard !highIsSet, let last = high.ranges.first?.lowerBound, first <= last else { throw fault(.syntax, "a range that runs backwards") }
            set.insert(first...last)
        }
        guard isInverted else { return set }
        // What is no digit or letter differs between engines beyond ASCII.
        return isByKind ? set.inverted.intersection(ScalarSet([0...0x7F])) : set.inverted
    }

    private mutating func classMember() throws(ConstraintError) -> (ScalarSet, isByKind: Bool) {
        if take("\\") { return try escape(inClass: true) }
        let value = unit()
        at += 1
        return (ScalarSet(value), false)
    }

    private static let digits = ScalarSet([0x30...0x39])
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    private static let ascii = ScalarSet([0...0x7F])

    private mutating func escape(inClass: Bool) throws(ConstraintError) -> (ScalarSet, isByKind: Bool) {
        guard at < source.count else { throw fault(.syntax, "a backslash at the end") }
        let value = source[at]
        at += 1
        switch value {
        case 0x64: return (Self.digits, true)
        case 0x77: return (Self.word, true)
        case 0x73: return (Self.space, true)
        case 0x44: return (Self.digits.inverted.intersection(Self.ascii), true)
        case 0x57: return (Self.word.inverted.intersection(Self.ascii), true)
        // Python and ECMA disagree on 0x1C to 0x1F.
        case 0x53: return (ScalarSet([0x21...0x7E]), true)
        case 0x6E: return (ScalarSet(0x0A), false)
        case 0x72: return (ScalarSet(0x0D), false)
        case 0x74: return (ScalarSet(0x09), false)
        case 0x66: return (ScalarSet(0x0C), false)
        case 0x76: return (ScalarSet(0x0B), false)
        case 0x78: return (ScalarSet(try hexadecimal(2)), false)
        case 0x75: return (ScalarSet(try hexadecimal(4)), false)
        case 0x62 where inClass: return (ScalarSet(0x08), false)
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: throw fault(.unsupported, "the escape '\\\(Character(Unicode.Scalar(value) ?? "?"))'")
        default: return (ScalarSet(value), false)
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(ConstraintError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Unicode.Scalar(unit()).flatMap({ $0.isASCII ? Character($0).hexDigitValue : nil }) else { throw fault(.syntax, "\(count) hexadecimal digits are missing") }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        guard Unicode.Scalar(value) != nil else { throw fault(.unsupported, "half of a surrogate pair") }
        return value
    }
}
