import QuintetFiles

extension SchemaCompiler {
    /// Lists: the first elements by `prefixItems`, the others by `items`.
    mutating func array(_ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        let path = parts.keywords["items"]?.path ?? parts.keywords["prefixItems"]?.path ?? "#"
        let prefix = try prefixItems(parts)
        let (least, most) = (try parts.int("minItems") ?? 0, try parts.int("maxItems"))
        if let most, most < least { throw parts.fault(.unsatisfiable, "minItems", "more than maxItems") }
        if parts["uniqueItems"] == true, (most ?? .max) > 1 { throw parts.fault(.unsupported, "uniqueItems", "this keyword cannot be held to") }
        let others: GrammarExpression? = switch parts["items"] {
        case .bool(false)?: nil
        case let items?: try expression(items, path + "/items")
        // Elements after a prefix are not written where nothing is said of them, unless there have to be some.
        case nil: prefix.isEmpty || least > prefix.count ? try anyValue() : nil
        }
        var elements: [GrammarExpression] = []
        for (index, schema) in prefix.enumerated() { elements.append(try expression(schema, "\(path)/prefixItems/\(index)")) }
        let space = try space()
        let list = self.list(elements[...], others, least, most, separator: .sequence([.text(","), space]), isFirst: true)
        return .sequence([.text("["), space, list, space, .text("]")])
    }

    private func prefixItems(_ parts: SchemaParts) throws(ConstraintError) -> [JSON] {
        guard let value = parts["prefixItems"] else { return [] }
        guard let schemas = value.array else { throw parts.fault(.syntax, "prefixItems", "a list of schemas is expected") }
        return schemas
    }

    private func list(
        _ prefix: ArraySlice<GrammarExpression>, _ others: GrammarExpression?, _ least: Int, _ most: Int?, separator: GrammarExpression, isFirst: Bool
    ) -> GrammarExpression {
        if most == 0 { return .empty }
        let lead: [GrammarExpression] = isFirst ? [] : [separator]
        if let first = prefix.first {
            let rest = list(prefix.dropFirst(), others, max(least - 1, 0), most.map { $0 - 1 }, separator: separator, isFirst: false)
            let some = GrammarExpression.sequence(lead + [first, rest])
            return least > 0 ? some : .optional(some)
        }
        guard let others else { return least > 0 ? .choice([]) : .empty }
        if !isFirst { return .repeated(.sequence([separator, others]), min: least, max: most) }
        let some = GrammarExpression.sequence([others, .repeated(.sequence([separator, others]), min: max(least - 1, 0), max: most.map { $0 - 1 })])
        return least > 0 ? some : .optional(some)
    }
}
