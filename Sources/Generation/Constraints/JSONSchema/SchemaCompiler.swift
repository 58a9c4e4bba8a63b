public import QuintetFiles

extension OutputFormat {
    /// Reads a JSON schema (draft 2020-12): the output is a JSON text that it validates.
    ///
    /// What is generated may be less than what the schema admits (members come in the order of `properties`, others only where
    /// `additionalProperties` asks for them), never more.
    /// - Throws: `ConstraintError` naming path and keyword where a keyword cannot be held to exactly.
    public static func jsonSchema(_ schema: JSON, budget: GrammarBudget = GrammarBudget()) throws(ConstraintError) -> OutputFormat {
        var compiler = SchemaCompiler(schema, budget)
        return OutputFormat(grammar: try compiler.grammar(), budget: budget, place: "#")
    }

    /// Any JSON text that is an object.
    public static func jsonObject(budget: GrammarBudget = GrammarBudget()) throws(ConstraintError) -> OutputFormat {
        try jsonSchema(["type": "object"], budget: budget)
    }
}

/// A schema becomes a grammar: keywords that hold together are merged, alternatives multiplied out, the rest written down.
struct SchemaCompiler {
    let root: JSON
    let budget: GrammarBudget
    var builder: GrammarBuilder
    /// The rule of each schema, by its text.
    private var written: [String: Int] = [:]
    private var shared: [String: Int] = [:]
    private var compiled = 0
    private var depth = 0

    init(_ schema: JSON, _ budget: GrammarBudget) {
        root = schema
        self.budget = budget
        builder = GrammarBuilder(budget, place: "#")
    }

    mutating func grammar() throws(ConstraintError) -> Grammar {
        let start = builder.declare("#")
        try builder.define(start, as: try expression(root, "#"))
        return try builder.grammar(root: start)
    }

    /// The texts of a schema's values: a rule for each schema that says something else, so that recursion comes back to it.
    mutating func expression(_ schema: JSON, _ path: String) throws(ConstraintError) -> GrammarExpression {
        let key = schema.serialized()
        if let rule = written[key] { return .rule(rule) }
        let rule = builder.declare(path)
        written[key] = rule
        if let reference = SchemaKeywords.soleReference(schema) {
            try builder.define(rule, as: try expression(try target(of: reference, from: path), reference))
        } else if let parts = try flatten(schema, path, depth: 0) {
            try builder.define(rule, as: try expression(parts, path))
        }
        return .rule(rule)
    }

    /// A rule that is written once and used from many places.
    mutating func share(_ name: String, _ make: (inout SchemaCompiler) throws(ConstraintError) -> GrammarExpression) throws(ConstraintError) -> GrammarExpression {
        if let rule = shared[name] { return .rule(rule) }
        let rule = builder.declare(name)
        shared[name] = rule
        try builder.define(rule, as: try make(&self))
        return .rule(rule)
    }

    /// What `#/a/b` points to within this document.
    func target(of reference: String, from path: String) throws(ConstraintError) -> JSON {
        guard reference.hasPrefix("#"), reference == "#" || reference.hasPrefix("#/") else {
            throw ConstraintError(.unsupported, at: path, keyword: "$ref", "only references within the document, found '\(reference)'")
        }
        var value = root
        for part in reference.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false) where reference != "#" {
            let key = Self.unescaped(part)
            guard let next = value[key] ?? Int(key).flatMap({ value[$0] }) else {
                throw ConstraintError(.syntax, at: path, keyword: "$ref", "there is nothing at '\(reference)'")
            }
            value = next
        }
        return value
    }

    private static func unescaped(_ part: Substring) -> String {
        var text: [UInt8] = []
        var rest = Array(part.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x7E, let next = rest.popFirst() {
                text.append(next == 0x31 ? 0x2F : 0x7E)
            } else if byte == 0x25, rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                text.append(value)
                rest = rest.dropFirst(2)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The texts of values for which all keywords hold.
    mutating func expression(_ parts: SchemaParts, _ path: String) throws(ConstraintError) -> GrammarExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > budget.depth { throw ConstraintError(.limit, at: path, "schemas within each other without end") }
        compiled += 1
        if compiled > 1 << 14 { throw ConstraintError(.limit, at: path, "more alternatives than can be multiplied out") }
        if let choice = parts.choices.first { return try alternatives(choice, parts, path) }
        if let values = try parts.candidates() { return .choice(values.map { .text($0.serialized()) }) }
        var kinds: [GrammarExpression] = []
        for type in try parts.types() { kinds.append(try expression(of: type, parts)) }
        return .choice(kinds)
    }

    private mutating func expression(of type: SchemaType, _ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        switch type {
        case .null: return .text("null")
        case .boolean: return .choice([.text("true"), .text("false")])
        case .integer: return try SchemaNumbers.integer(parts)
        case .number: return try SchemaNumbers.number(parts)
        case .string: return try string(parts)
        case .array: return try array(parts)
        case .object: return try object(parts)
        }
    }

    /// Each alternative together with everything else.
    private mutating func alternatives(_ choice: SchemaParts.Choice, _ parts: SchemaParts, _ path: String) throws(ConstraintError) -> GrammarExpression {
        var rest = parts
        rest.choices.removeFirst()
        if rest.keywords.isEmpty, rest.choices.isEmpty, choice.keyword == "anyOf" {
            var expressions: [GrammarExpression] = []
            for (index, schema) in choice.schemas.enumerated() { expressions.append(try expression(schema, "\(choice.path)/anyOf/\(index)")) }
            return .choice(expressions)
        }
        var flattened: [SchemaParts] = []
        for (index, schema) in choice.schemas.enumerated() {
            guard let part = try flatten(schema, "\(choice.path)/\(choice.keyword)/\(index)", depth: 0) else { continue }
            flattened.append(part)
        }
        if choice.keyword == "oneOf" { try SchemaDisjointness.check(flattened, rest, choice.path) }
        var expressions: [GrammarExpression] = []
        for part in flattened {
            var merged = rest
            if try merged.merge(part) { expressions.append(try expression(merged, path)) }
        }
        return .choice(expressions)
    }
}

// Any value
extension SchemaCompiler {
    /// A JSON value of any kind.
    mutating func anyValue() throws(ConstraintError) -> GrammarExpression {
        try share("value") { compiler throws(ConstraintError) in try compiler.expression(SchemaParts(), "#") }
    }

    /// White space between tokens: none, a space, or a new line with an indent.
    mutating func space() throws(ConstraintError) -> GrammarExpression {
        try share("space") { _ throws(ConstraintError) in
            .choice([.empty, .text(" "), .sequence([.text("\n"), .repeated(.scalars(ScalarSet([0x20...0x20, 0x09...0x09])), min: 0, max: 20)])])
        }
    }
}
