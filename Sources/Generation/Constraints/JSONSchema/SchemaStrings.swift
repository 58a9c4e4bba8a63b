import QuintetFiles

/// Characters within the quotes of a JSON string.
enum SchemaStrings {
    /// Characters that stand for themselves.
    static let plain = ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C]).inverted

    private static let short: [(scalar: UInt32, escape: String)] = [
        (0x22, "\\\""), (0x5C, "\\\\"), (0x0A, "\\n"), (0x0D, "\\r"), (0x09, "\\t"), (0x08, "\\b"), (0x0C, "\\f"),
    ]

    /// One character of a set, escaped where it has to be.
    static func character(of set: ScalarSet) -> GrammarExpression {
        var all: [GrammarExpression] = []
        let raw = set.intersection(plain)
        if !raw.isEmpty { all.append(.scalars(raw)) }
        for (scalar, escape) in short where set.contains(scalar) { all.append(.text(escape)) }
        for scalar: UInt32 in 0..<0x20 where set.contains(scalar) && !short.contains(where: { $0.scalar == scalar }) {
            all.append(.text("\\u00" + (scalar < 0x10 ? "0" : "1") + String(scalar & 15, radix: 16)))
        }
        return .choice(all)
    }

    /// Any character, in any of its forms but the halves of surrogate pairs.
    static var anyCharacter: GrammarExpression {
        let hex = GrammarExpression.scalars(ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66]))
        let notD = GrammarExpression.scalars(ScalarSet([0x30...0x39, 0x41...0x43, 0x45...0x46, 0x61...0x63, 0x65...0x66]))
        let low = GrammarExpression.scalars(ScalarSet([0x30...0x37]))
        let d = GrammarExpression.scalars(ScalarSet([0x44...0x44, 0x64...0x64]))
        let code = GrammarExpression.choice([.sequence([notD, hex, hex, hex]), .sequence([d, low, hex, hex])])
        let short = GrammarExpression.scalars(ScalarSet(Array("\"\\/bfnrt".unicodeScalars).map { $0.value...$0.value }))
        return .choice([.scalars(plain), .sequence([.text("\\"), .choice([short, .sequence([.text("u"), code])])])])
    }
}

extension SchemaCompiler {
    mutating func anyString() throws(ConstraintError) -> GrammarExpression {
        let character = try anyCharacter()
        return .sequence([.text("\""), .repeated(character, min: 0, max: nil), .text("\"")])
    }

    private mutating func anyCharacter() throws(ConstraintError) -> GrammarExpression {
        try share("character") { _ throws(ConstraintError) in SchemaStrings.anyCharacter }
    }

    mutating func string(_ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        let (least, most) = (try parts.int("minLength") ?? 0, try parts.int("maxLength"))
        if let most, most < least { throw parts.fault(.unsatisfiable, "minLength", "more than maxLength") }
        let format = parts["format"].flatMap { format -> JSON? in SchemaFormats.isAnnotation(format) ? Optional.none : .some(format) }
        let shaped = ["pattern", "format"].filter { $0 == "format" ? format != nil : parts.keywords[$0] != nil }
        if shaped.count == 2 { throw parts.fault(.unsupported, "format", "together with pattern") }
        if let key = shaped.first, least > 0 || most != nil { throw parts.fault(.unsupported, key, "together with minLength or maxLength") }
        if let pattern = parts["pattern"] {
            guard let text = pattern.string else { throw parts.fault(.syntax, "pattern", "a string is expected") }
            return .sequence([.text("\""), try SchemaPattern.expression(text, budget) { kind, what in parts.fault(kind, "pattern", what) }, .text("\"")])
        }
        if let format {
            guard let expression = format.string.flatMap(SchemaFormats.expression) else {
                throw parts.fault(.unsupported, "format", "the format \(format.serialized()); known: \(SchemaFormats.all.keys.sorted().joined(separator: ", "))")
            }
            return .sequence([.text("\""), expression, .text("\"")])
        }
        return .sequence([.text("\""), .repeated(try anyCharacter(), min: least, max: most), .text("\"")])
    }
}

/// Formats of strings, each as a pattern all of whose texts are valid.
enum SchemaFormats {
    private static let date =
        "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    private static let time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    private static let label = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?"

    private static func uuid(_ version: String) -> String { "[0-9a-f]{8}-[0-9a-f]{4}-\(version)[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}" }

    /// Formats that the standard gives a meaning and that no pattern here holds to.
    private static let beyond: Set<String> = [
        "idn-email", "idn-hostname", "uri-reference", "iri", "iri-reference", "uri-template", "json-pointer", "relative-json-pointer", "regex",
    ]

    /// Whether a format is a hint to people and programs and says nothing about which texts are valid: `password`, `binary`, `path`.
    static func isAnnotation(_ format: JSON) -> Bool { format.string.map { all[$0] == nil && !beyond.contains($0) } ?? false }

    static let all: [String: String] = [
        "uuid1": uuid("1"), "uuid3": uuid("3"), "uuid4": uuid("4"), "uuid5": uuid("5"),
        "date": date, "time": time, "date-time": date + "T" + time, "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "ipv4": "\(byte)(\\.\(byte)){3}", "ipv6": "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}", "hostname": "[a-z]\(label)(\\.[a-z]\(label)){0,3}",
        "email": "[a-z0-9]([a-z0-9_+-]{0,30}[a-z0-9])?@[a-z]\(label)(\\.[a-z]\(label)){1,3}",
        "uri": "https?://[a-z]\(label)(\\.[a-z]\(label)){1,3}(/[A-Za-z0-9_~-]{0,30}){0,6}",
        "duration": "P([1-9][0-9]{0,2}D(T[1-9][0-9]?H)?|T[1-9][0-9]{0,2}[HMS]|[1-9][0-9]{0,2}[YMW])",
    ]

    static func expression(_ name: String) -> GrammarExpression? {
        guard let pattern = all[name] else { return nil }
        return try? SchemaPattern.expression("^(\(pattern))$", GrammarBudget()) { kind, what in ConstraintError(kind, at: "#", keyword: "format", what) }
    }
}
