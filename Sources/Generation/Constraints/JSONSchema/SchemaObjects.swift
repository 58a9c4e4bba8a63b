import QuintetFiles

extension SchemaCompiler {
    /// Objects: the named members in their order, then others where they are asked for.
    mutating func object(_ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        let path = parts.keywords["properties"]?.path ?? parts.keywords["required"]?.path ?? "#"
        let named = try parts.members("properties") ?? [:]
        let required = try parts.strings("required") ?? []
        let others = try otherMembers(parts, hasNames: !named.isEmpty)
        var members: [Member] = []
        for (name, schema) in named {
            members.append(Member(text: try member(.text(JSON.string(name).serialized()), try expression(schema, "\(path)/properties/\(name)")), isRequired: required.contains(name)))
        }
        for name in required where named[name] == nil {
            let schema = parts["additionalProperties"] ?? (parts["unevaluatedProperties"] == false ? false : true)
            members.append(Member(text: try member(.text(JSON.string(name).serialized()), try expression(schema, "\(path)/additionalProperties")), isRequired: true))
        }
        let most = try checkCounts(parts, members, hasOthers: others != nil)
        let other = try others.map { schema throws(ConstraintError) -> GrammarExpression in
            try member(try otherKeys(than: named.keys + required), schema)
        }
        let space = try space()
        return .sequence([.text("{"), space, try list(members, other, most), space, .text("}")])
    }

    private struct Member {
        let text: GrammarExpression
        let isRequired: Bool
    }

    /// What members without a name have to be; nil where none are written.
    private mutating func otherMembers(_ parts: SchemaParts, hasNames: Bool) throws(ConstraintError) -> GrammarExpression? {
        let path = parts.keywords["additionalProperties"]?.path ?? "#"
        switch parts["additionalProperties"] {
        case .bool(false)?: return nil
        case .bool(true)?: return try anyValue()
        case let schema?: return try expression(schema, path + "/additionalProperties")
        case nil:
            if let rest = parts["unevaluatedProperties"] {
                if rest == false { return nil }
                if rest != true { throw parts.fault(.unsupported, "unevaluatedProperties", "only true or false") }
            }
            return hasNames ? nil : try anyValue()
        }
    }

    private mutating func member(_ key: GrammarExpression, _ value: GrammarExpression) throws(ConstraintError) -> GrammarExpression {
        .sequence([key, .text(":"), try space(), value])
    }

    /// Counts of members can be held to where the names are known, or as an upper bound.
    private func checkCounts(_ parts: SchemaParts, _ members: [Member], hasOthers: Bool) throws(ConstraintError) -> Int? {
        let required = members.filter(\.isRequired).count
        if let least = try parts.int("minProperties"), least > required {
            throw parts.fault(.unsupported, "minProperties", "more than the \(required) required properties")
        }
        guard let most = try parts.int("maxProperties") else { return nil }
        if most < required { throw parts.fault(.unsatisfiable, "maxProperties", "less than the \(required) required properties") }
        if members.isEmpty { return most }
        if hasOthers || members.count > most { throw parts.fault(.unsupported, "maxProperties", "together with optional properties") }
        return most
    }

    /// Members with commas between them, whichever are left out: from the end, once for "first" and once for "not first".
    private mutating func list(_ members: [Member], _ other: GrammarExpression?, _ most: Int?) throws(ConstraintError) -> GrammarExpression {
        let comma = GrammarExpression.sequence([.text(","), try space()])
        let more = other.map { GrammarExpression.repeated(.sequence([comma, $0]), min: 0, max: most.map { max($0 - 1, 0) }) } ?? .empty
        var first = most == 0 ? GrammarExpression.empty : other.map { .optional(.sequence([$0, more])) } ?? .empty
        var later = more
        for member in members.reversed() {
            let rest = try named(later)
            let asFirst = GrammarExpression.sequence([member.text, rest])
            let asLater = GrammarExpression.sequence([comma, member.text, rest])
            first = member.isRequired ? asFirst : .choice([asFirst, try named(first)])
            later = member.isRequired ? asLater : .choice([asLater, rest])
        }
        return first
    }

    /// A rule of its own, so that what is used twice is written once.
    private mutating func named(_ expression: GrammarExpression) throws(ConstraintError) -> GrammarExpression {
        if case .rule = expression { return expression }
        let rule = builder.declare()
        try builder.define(rule, as: expression)
        return .rule(rule)
    }

    /// Keys that are none of the names: strings without escapes, so that no name comes in by the back door.
    private mutating func otherKeys(than names: [String]) throws(ConstraintError) -> GrammarExpression {
        if names.isEmpty { return try anyString() }
        let scalars = names.map { $0.unicodeScalars.map(\.value) }
        return .sequence([.text("\""), Self.different(scalars, at: 0)])
    }

    /// The rest of a key after `place` characters that all of `names` begin with, and the closing quote.
    private static func different(_ names: [[UInt32]], at place: Int) -> GrammarExpression {
        let plain = SchemaStrings.plain
        var all: [GrammarExpression] = []
        if !names.contains(where: { $0.count == place }) { all.append(.text("\"")) }
        var taken = ScalarSet()
        for next in Set(names.compactMap { place < $0.count ? $0[place] : nil }).sorted() {
            taken = taken.union(ScalarSet(next))
            guard plain.contains(next) else { continue }
            all.append(.sequence([.scalars(ScalarSet(next)), different(names.filter { place < $0.count && $0[place] == next }, at: place + 1)]))
        }
        all.append(.sequence([.scalars(plain.subtracting(taken)), .repeated(.scalars(plain), min: 0, max: nil), .text("\"")]))
        return .choice(all)
    }
}
