/// What follows a value: members, subscripts, calls, filters, tests.
extension TemplateParser {
    mutating func postfix(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        var value = value
        for _ in 0..<depthLimit {
            let line = token.line
            if takeSymbol(".") {
                value = TemplateExpression(try member(of: value, line), line: line)
            } else if takeSymbol("[") {
                value = TemplateExpression(try subscripted(value), line: line)
            } else if isSymbol("(") {
                value = TemplateExpression(.call(value, try arguments()), line: line)
            } else {
                return value
            }
        }
        throw TemplateError(.limit, line: token.line, "more than \(depthLimit) parts of one value")
    }

    mutating func member(of value: TemplateExpression, _ line: Int) throws(TemplateError) -> TemplateExpression.Node {
        if case .integer(let index) = token.kind {
            at += 1
            return .item(value, TemplateExpression(.literal(.int(index)), line: line))
        }
        return .attribute(value, try anyName())
    }

    mutating func subscripted(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression.Node {
        let start = isSymbol(":") ? nil : try expression()
        if let start, takeSymbol("]") { return .item(value, start) }
        if let start, isSymbol(",") { throw TemplateError(.unsupported, line: start.line, "a subscript with several parts") }
        try expect(":")
        let stop = isSymbol(":") || isSymbol("]") ? nil : try expression()
        let step = takeSymbol(":") && !isSymbol("]") ? try expression() : nil
        try expect("]")
        return .slice(value, start: start, stop: stop, step: step)
    }

    /// Filters, tests and calls after a value.
    mutating func filters(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        var value = value
        for _ in 0..<depthLimit {
            let line = token.line
            if takeSymbol("|") {
                value = try oneFilter(of: value)
            } else if takeName("is") {
                value = try test(of: value, line)
            } else if isSymbol("(") {
                value = TemplateExpression(.call(value, try arguments()), line: line)
            } else {
                return value
            }
        }
        throw TemplateError(.limit, line: token.line, "more than \(depthLimit) filters of one value")
    }

    mutating func oneFilter(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let name = try anyName()
        return TemplateExpression(.filter(value, name, isSymbol("(") ? try arguments() : TemplateArguments()), line: line)
    }

    mutating func test(of value: TemplateExpression, _ line: Int) throws(TemplateError) -> TemplateExpression {
        let negated = takeName("not")
        let name = try anyName()
        var arguments = TemplateArguments()
        if isSymbol("(") {
            arguments = try self.arguments()
        } else if startsTestArgument {
            arguments.positional = [try postfix(try primary())]
        }
        let test = TemplateExpression(.test(value, name, arguments), line: line)
        return negated ? TemplateExpression(.not(test), line: line) : test
    }

    var startsTestArgument: Bool {
        switch token.kind {
        case .name(let name): !["else", "or", "and", "is", "if", "in", "not", "recursive"].contains(name)
        case .string, .integer, .float: true
        case .symbol(let symbol): ["[", "{"].contains(symbol)
        default: false
        }
    }

    mutating func arguments() throws(TemplateError) -> TemplateArguments {
        try expect("(")
        var arguments = TemplateArguments()
        var isFirst = true
        while !takeSymbol(")") {
            if !isFirst { try expect(",") }
            if takeSymbol(")") { break }
            isFirst = false
            if takeSymbol("*") {
                arguments.spread = try expression()
            } else if takeSymbol("**") {
                arguments.spreadNamed = try expression()
            } else if case .name(let name) = token.kind, at + 1 < tokens.count, tokens[at + 1].kind == .symbol("=") {
                at += 2
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.named.isEmpty else { throw fault("a value after named ones") }
                arguments.positional.append(try expression())
            }
        }
        return arguments
    }
}
