extension OutputFormat {
    /// Reads a grammar in GBNF, the notation of llama.cpp: `root ::= "yes" | "no"`.
    ///
    /// Rules, literals, classes `[a-z]` and `[^"]`, `.`, groups, `|`, `*` `+` `?` `{m}` `{m,}` `{m,n}`, comments, and the escapes
    /// `\n \r \t \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH`.
    /// - Throws: `ConstraintError` naming the line.
    public static func gbnf(_ text: String, budget: GrammarBudget = GrammarBudget()) throws(ConstraintError) -> OutputFormat {
        var parser = GBNFParser(text, budget)
        return OutputFormat(grammar: try parser.grammar(), budget: budget, place: "grammar")
    }
}

struct GBNFParser {
    private let source: [UInt32]
    private var at = 0
    private var line = 1
    private var depth = 0
    private let budget: GrammarBudget
    private var builder: GrammarBuilder
    private var rules: [String: Int] = [:]
    private var defined: Set<String> = []
    /// Where each rule is first named, for the error of one that is nowhere defined.
    private var mentions: [(name: String, line: Int)] = []

    init(_ text: String, _ budget: GrammarBudget) {
        source = text.utf8.count <= budget.source ? text.unicodeScalars.map(\.value) : []
        self.budget = budget
        builder = GrammarBuilder(budget, place: "grammar")
        isTooLong = text.utf8.count > budget.source
    }

    private let isTooLong: Bool

    mutating func grammar() throws(ConstraintError) -> Grammar {
        if isTooLong { throw ConstraintError(.limit, at: "grammar", "more than \(budget.source) bytes") }
        skipSpace(overLines: true)
        while at < source.count {
            try rule()
            skipSpace(overLines: true)
        }
        guard let root = rules["root"], defined.contains("root") else { throw ConstraintError(.syntax, at: "grammar", "there is no rule 'root'") }
        if let missing = mentions.first(where: { !defined.contains($0.name) }) {
            throw ConstraintError(.syntax, at: "line \(missing.line)", "the rule '\(missing.name)' is not defined")
        }
        return try builder.grammar(root: root)
    }

    private func fault(_ what: String) -> ConstraintError { ConstraintError(.syntax, at: "line \(line)", what) }

    private func unit(_ ahead: Int = 0) -> UInt32 { at + ahead < source.count ? source[at + ahead] : 0 }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard at < source.count, source[at] == scalar.value else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace(overLines: Bool) {
        while at < source.count {
            switch source[at] {
            case 0x20, 0x09: at += 1
            case 0x23: while at < source.count, source[at] != 0x0A, source[at] != 0x0D { at += 1 }
            case 0x0D where overLines: at += 1
            case 0x0A where overLines:
                at += 1
                line += 1
            default: return
            }
        }
    }

    private static func isNamePart(_ unit: UInt32) -> Bool {
        (0x61...0x7A).contains(unit) || (0x41...0x5A).contains(unit) || (0x30...0x39).contains(unit) || unit == 0x2D || unit == 0x5F
    }

    private mutating func name() throws(ConstraintError) -> String {
        let start = at
        while at < source.count, Self.isNamePart(source[at]) { at += 1 }
        guard at > start, at - start <= 1024 else { throw fault("the name of a rule is missing") }
        return String(String.UnicodeScalarView(source[start..<at].compactMap(Unicode.Scalar.init)))
    }

    private mutating func index(of name: String) -> Int {
        if let index = rules[name] { return index }
        let index = builder.declare(name)
        rules[name] = index
        return index
    }

    private mutating func rule() throws(ConstraintError) {
        let name = try name()
        guard defined.insert(name).inserted else { throw fault("the rule '\(name)' is defined twice") }
        skipSpace(overLines: false)
        guard take(":"), take(":"), take("=") else { throw fault("'::=' is missing after '\(name)'") }
        skipSpace(overLines: true)
        let expression = try alternatives(isNested: false)
        try builder.define(index(of: name), as: expression)
        guard at >= source.count || source[at] == 0x0A || source[at] == 0x0D else { throw fault("a new line is missing after the rule '\(name)'") }
    }

    private mutating func alternatives(isNested: Bool) throws(ConstraintError) -> GrammarExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > budget.depth { throw ConstraintError(.limit, at: "line \(line)", "groups nested deeper than \(budget.depth)") }
        var parts = [try sequence(isNested)]
        while takeBar(isNested) {
            skipSpace(overLines: true)
            parts.append(try sequence(isNested))
        }
        return .choice(parts)
    }

    /// A bar, which may stand on the next line.
    private mutating func takeBar(_ isNested: Bool) -> Bool {
        let (place, number) = (at, line)
        skipSpace(overLines: true)
        if take("|") { return true }
        if !isNested { (at, line) = (place, number) }
        return false
    }

    private mutating func sequence(_ isNested: Bool) throws(ConstraintError) -> GrammarExpression {
        var parts: [GrammarExpression] = []
        while let part = try item() {
            parts.append(try repeated(part, isNested))
            skipSpace(overLines: isNested)
        }
        return .sequence(parts)
    }

    private mutating func item() throws(ConstraintError) -> GrammarExpression? {
        switch unit() {
        case 0x22: return .text(try literal())
        case 0x5B: return .scalars(try characterClass())
        case 0x2E:
            at += 1
            return .scalars(.all)
        case 0x28:
            at += 1
            skipSpace(overLines: true)
            let inner = try alternatives(isNested: true)
            skipSpace(overLines: true)
            guard take(")") else { throw fault("')' is missing") }
            return inner
        case 0x3C, 0x21: throw ConstraintError(.unsupported, at: "line \(line)", "tokens as terminals")
        case let unit where at < source.count && Self.isNamePart(unit):
            let name = try name()
            mentions.append((name, line))
            return .rule(index(of: name))
        default: return nil
        }
    }

    /// A part and what says how often it stands there; blanks may lie between them.
    private mutating func repeated(_ part: GrammarExpression, _ isNested: Bool) throws(ConstraintError) -> GrammarExpression {
        var part = part
        for _ in 0..<8 {
            skipSpace(overLines: isNested)
            switch unit() {
            case 0x2A: part = .repeated(part, min: 0, max: nil)
            case 0x2B: part = .repeated(part, min: 1, max: nil)
            case 0x3F: part = .optional(part)
            case 0x7B:
                at += 1
                part = try counted(part)
                continue
            default: return part
            }
            at += 1
        }
        throw ConstraintError(.limit, at: "line \(line)", "more than 8 repetitions of one part")
    }

    private mutating func counted(_ part: GrammarExpression) throws(ConstraintError) -> GrammarExpression {
        let min = try number()
        var max: Int? = min
        if take(",") { max = unit() == 0x7D ? nil : try number() }
        guard take("}") else { throw fault("'}' is missing") }
        if let max, max < min { throw fault("a repetition from \(min) to \(max)") }
        return .repeated(part, min: min, max: max)
    }

    private mutating func number() throws(ConstraintError) -> Int {
        let start = at
        var value = 0
        while (0x30...0x39).contains(unit()) {
            value = value * 10 + Int(unit() - 0x30)
            at += 1
            if value > budget.repetitions { throw ConstraintError(.limit, at: "line \(line)", "a repetition of more than \(budget.repetitions)") }
        }
        if at == start { throw fault("a number is missing") }
        return value
    }

    private mutating func literal() throws(ConstraintError) -> [UInt8] {
        at += 1
        var bytes: [UInt8] = []
        while true {
            guard at < source.count, source[at] != 0x0A else { throw fault("a literal does not end") }
            if take("\"") { return bytes }
            bytes += ScalarSet.utf8(try character())
        }
    }

    private mutating func characterClass() throws(ConstraintError) -> ScalarSet {
        at += 1
        let isInverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !take("]") {
            guard at < source.count, source[at] != 0x0A else { throw fault("a class does not end") }
            let low = try character()
            var high = low
            if unit() == 0x2D, unit(1) != 0x5D {
                at += 1
                guard at < source.count else { throw fault("a class does not end") }
                high = try character()
            }
            guard low <= high else { throw fault("a range that runs backwards") }
            ranges.append(low...high)
        }
        let set = ScalarSet(ranges)
        return isInverted ? set.inverted : set
    }

    private mutating func character() throws(ConstraintError) -> UInt32 {
        let value = unit()
        at += 1
        guard value == 0x5C else { return value }
        let escape = unit()
        at += 1
        switch escape {
        case 0x6E: return 0x0A
        case 0x72: return 0x0D
        case 0x74: return 0x09
        case 0x5C, 0x22, 0x5B, 0x5D, 0x2D, 0x5E: return escape
        case 0x78: return try hexadecimal(2)
        case 0x75: return try hexadecimal(4)
        case 0x55: return try hexadecimal(8)
        default: throw fault("an unknown escape")
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(ConstraintError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Unicode.Scalar(unit()).flatMap({ $0.isASCII ? Character($0).hexDigitValue : nil }) else { throw fault("\(count) hexadecimal digits are missing") }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        guard Unicode.Scalar(value) != nil else { throw fault("an escape that is no character") }
        return value
    }
}
