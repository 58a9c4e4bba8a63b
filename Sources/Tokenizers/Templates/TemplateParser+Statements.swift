/// Statements.
extension TemplateParser {
    /// Statements up to a tag that begins with one of `ends`, which is left as the next token (its opening is taken).
    mutating func statements(until ends: Set<String>) throws(TemplateError) -> [TemplateStatement] {
        try enter()
        defer { depth -= 1 }
        var body: [TemplateStatement] = []
        while true {
            let line = token.line
            switch token.kind {
            case .end:
                guard ends.isEmpty else { throw fault("a block does not end: \(ends.sorted().joined(separator: " or ")) is missing") }
                return body
            case .text(let units):
                body.append(TemplateStatement(node: .text(TemplateText(units: units)), line: line))
                at += 1
            case .outputStart:
                at += 1
                body.append(TemplateStatement(node: .output(try tupleOrExpression()), line: line))
                guard token.kind == .outputEnd else { throw fault("'}}' is missing") }
                at += 1
            case .blockStart:
                at += 1
                if case .name(let name) = token.kind, ends.contains(name) { return body }
                body.append(TemplateStatement(node: try statement(), line: line))
            default: throw fault("an unexpected token")
            }
        }
    }

    mutating func block(until end: String) throws(TemplateError) -> [TemplateStatement] {
        try expectBlockEnd()
        let body = try statements(until: [end])
        at += 1
        // As in Jinja, a name may follow: {% endmacro name %}.
        if end == "endmacro", case .name = token.kind { at += 1 }
        try expectBlockEnd()
        return body
    }

    mutating func statement() throws(TemplateError) -> TemplateStatement.Node {
        let line = token.line
        let name = try anyName()
        switch name {
        case "if": return try branch()
        case "for": return try loop()
        case "set": return try set()
        case "macro": return .macro(try macro(named: try anyName()))
        case "call": return try call()
        case "filter": return try filterBlock()
        case "with": return try with()
        case "generation": return .generation(try block(until: "endgeneration"))
        case "break", "continue":
            guard loops > 0 else { throw TemplateError(.syntax, line: line, "\(name) stands outside of a loop") }
            try expectBlockEnd()
            return name == "break" ? .breakLoop : .continueLoop
        case "include", "import", "from", "extends", "block", "do", "autoescape", "trans", "debug", "print":
            throw TemplateError(.unsupported, line: line, "chat templates have no '\(name)'")
        default: throw TemplateError(.syntax, line: line, "an unknown tag '\(name)'")
        }
    }

    mutating func branch() throws(TemplateError) -> TemplateStatement.Node {
        var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        while true {
            let condition = try tupleOrExpression()
            try expectBlockEnd()
            branches.append((condition, try statements(until: ["elif", "else", "endif"])))
            switch try anyName() {
            case "elif": continue
            case "else": return .branch(branches, else: try block(until: "endif"))
            default:
                try expectBlockEnd()
                return .branch(branches, else: [])
            }
        }
    }

    mutating func loop() throws(TemplateError) -> TemplateStatement.Node {
        let target = try target(allowsAttributes: false)
        guard takeName("in") else { throw fault("'in' is missing") }
        let sequence = try tupleOrExpression(allowsCondition: false)
        let condition = takeName("if") ? try expression() : nil
        let isRecursive = takeName("recursive")
        try expectBlockEnd()
        loops += 1
        let body = try statements(until: ["else", "endfor"])
        loops -= 1
        var otherwise: [TemplateStatement] = []
        if try anyName() == "else" { otherwise = try block(until: "endfor") } else { try expectBlockEnd() }
        return .loop(
            TemplateForLoop(target, in: sequence, if: condition, isRecursive: isRecursive, body: body, otherwise: otherwise))
    }

    mutating func set() throws(TemplateError) -> TemplateStatement.Node {
        let target = try target(allowsAttributes: true)
        if takeSymbol("=") {
            let value = try tupleOrExpression()
            try expectBlockEnd()
            return .set(target, value)
        }
        let filter = isSymbol("|") ? try filters(of: TemplateExpression(.block, line: token.line)) : nil
        return .setBlock(target, filter: filter, body: try block(until: "endset"))
    }

    mutating func target(allowsAttributes: Bool) throws(TemplateError) -> TemplateTarget {
        let isBracketed = takeSymbol("(")
        var parts: [TemplateTarget] = []
        var isTuple = false
        repeat {
            if !parts.isEmpty, case .name = token.kind {} else if !parts.isEmpty, !isSymbol("(") { break }
            parts.append(try singleTarget(allowsAttributes))
            if isSymbol(",") { isTuple = true }
        } while takeSymbol(",")
        if isBracketed { try expect(")") }
        return isTuple ? .tuple(parts) : parts[0]
    }

    mutating func singleTarget(_ allowsAttributes: Bool) throws(TemplateError) -> TemplateTarget {
        if isSymbol("(") {
            try enter()
            defer { depth -= 1 }
            return try target(allowsAttributes: allowsAttributes)
        }
        let name = try anyName()
        guard allowsAttributes, takeSymbol(".") else { return .name(name) }
        return .attribute(name, try anyName())
    }

    mutating func macro(named name: String) throws(TemplateError) -> TemplateMacroDefinition {
        let parameters = isSymbol("(") ? try parameters() : []
        // A loop outside does not surround the body of a macro.
        let outer = loops
        loops = 0
        defer { loops = outer }
        return TemplateMacroDefinition(name, parameters, try block(until: "endmacro"))
    }

    mutating func parameters() throws(TemplateError) -> [(name: String, fallback: TemplateExpression?)] {
        try expect("(")
        var parameters: [(name: String, fallback: TemplateExpression?)] = []
        while !takeSymbol(")") {
            if !parameters.isEmpty { try expect(",") }
            if takeSymbol(")") { break }
            let name = try anyName()
            parameters.append((name, takeSymbol("=") ? try expression() : nil))
        }
        return parameters
    }

    mutating func call() throws(TemplateError) -> TemplateStatement.Node {
        let parameters = isSymbol("(") ? try parameters() : []
        let callee = try expression()
        guard case .call = callee.node else { throw fault("a call is missing") }
        let outer = loops
        loops = 0
        defer { loops = outer }
        return .call(TemplateMacroDefinition("caller", parameters, try block(until: "endcall")), callee)
    }

    mutating func filterBlock() throws(TemplateError) -> TemplateStatement.Node {
        var filter = try oneFilter(of: TemplateExpression(.block, line: token.line))
        if isSymbol("|") { filter = try filters(of: filter) }
        return .filterBlock(filter, body: try block(until: "endfilter"))
    }

    mutating func with() throws(TemplateError) -> TemplateStatement.Node {
        var values: [(target: TemplateTarget, value: TemplateExpression)] = []
        while token.kind != .blockEnd {
            if !values.isEmpty { try expect(",") }
            let target = try target(allowsAttributes: false)
            try expect("=")
            values.append((target, try expression()))
        }
        return .with(values, body: try block(until: "endwith"))
    }
}
