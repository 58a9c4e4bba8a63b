/// Expressions, from the loosest binding to the tightest.
extension TemplateParser {
    /// `a` or `a, b`: a tuple without brackets.
    mutating func tupleOrExpression(allowsCondition: Bool = true) throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let first = allowsCondition ? try expression() : try or()
        guard isSymbol(",") else { return first }
        var parts = [first]
        while takeSymbol(","), startsExpression { parts.append(allowsCondition ? try expression() : try or()) }
        return TemplateExpression(.tuple(parts), line: line)
    }

    var startsExpression: Bool {
        switch token.kind {
        case .name(let name): !["in", "if", "else", "recursive"].contains(name)
        case .string, .integer, .float: true
        case .symbol(let symbol): ["(", "[", "{", "-", "+"].contains(symbol)
        default: false
        }
    }

    mutating func expression() throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { depth -= 1 }
        var value = try or()
        while isName("if") {
            let line = token.line
            at += 1
            let condition = try or()
            let otherwise = takeName("else") ? try expression() : nil
            value = TemplateExpression(.conditional(condition, then: value, else: otherwise), line: line)
        }
        return value
    }

    mutating func or() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        var parts = [try and()]
        while takeName("or") { parts.append(try and()) }
        return parts.count == 1 ? parts[0] : TemplateExpression(.any(parts), line: line)
    }

    mutating func and() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        var parts = [try not()]
        while takeName("and") { parts.append(try not()) }
        return parts.count == 1 ? parts[0] : TemplateExpression(.all(parts), line: line)
    }

    mutating func not() throws(TemplateError) -> TemplateExpression {
        guard isName("not") else { return try comparison() }
        let line = token.line
        at += 1
        try enter()
        defer { depth -= 1 }
        return TemplateExpression(.not(try not()), line: line)
    }

    mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let first = try binary(0)
        var rest: [(TemplateComparison, TemplateExpression)] = []
        while let comparison = takeComparison() { rest.append((comparison, try binary(0))) }
        return rest.isEmpty ? first : TemplateExpression(.comparison(first, rest), line: line)
    }

    mutating func takeComparison() -> TemplateComparison? {
        switch token.kind {
        case .symbol(let symbol):
            guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
            at += 1
            return comparison
        case .name("in"):
            at += 1
            return .isIn
        case .name("not") where isName("in", after: 1):
            at += 2
            return .isNotIn
        default: return nil
        }
    }

    /// Levels of binding, the loosest first.
    static let levels: [[String]] = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]]

    mutating func binary(_ level: Int) throws(TemplateError) -> TemplateExpression {
        guard level < Self.levels.count else { return try unary(takesFilters: true) }
        let line = token.line
        let first = try binary(level + 1)
        var rest: [(symbol: String, value: TemplateExpression)] = []
        while case .symbol(let symbol) = token.kind, Self.levels[level].contains(symbol) {
            at += 1
            rest.append((symbol, try binary(level + 1)))
        }
        if rest.isEmpty { return first }
        if rest[0].symbol == "~" { return TemplateExpression(.concatenation([first] + rest.map(\.value)), line: line) }
        let operations = rest.compactMap { part in TemplateOperator(rawValue: part.symbol).map { (operation: $0, value: part.value) } }
        return TemplateExpression(.arithmetic(first, operations), line: line)
    }

    mutating func unary(takesFilters: Bool) throws(TemplateError) -> TemplateExpression {
        try enter()
        defer { depth -= 1 }
        let line = token.line
        var value: TemplateExpression
        if takeSymbol("-") {
            value = TemplateExpression(.negative(try unary(takesFilters: false)), line: line)
        } else if takeSymbol("+") {
            value = TemplateExpression(.positive(try unary(takesFilters: false)), line: line)
        } else {
            value = try primary()
        }
        value = try postfix(value)
        return takesFilters ? try filters(of: value) : value
    }

    mutating func primary() throws(TemplateError) -> TemplateExpression {
        let (line, kind) = (token.line, token.kind)
        at += 1
        switch kind {
        case .name(let name): return TemplateExpression(Self.constant(name) ?? .name(name), line: line)
        case .integer(let value): return TemplateExpression(.literal(.int(value)), line: line)
        case .float(let value): return TemplateExpression(.literal(.float(value)), line: line)
        case .string(var text):
            while case .string(let more) = token.kind {
                text += more
                at += 1
            }
            return TemplateExpression(.literal(.text(text)), line: line)
        case .symbol("("): return try bracketed(line)
        case .symbol("["): return TemplateExpression(.list(try elements("]")), line: line)
        case .symbol("{"): return TemplateExpression(.dict(try members()), line: line)
        default:
            at -= 1
            throw fault("an expression is missing")
        }
    }

    static func constant(_ name: String) -> TemplateExpression.Node? {
        switch name {
        case "true", "True": .literal(.bool(true))
        case "false", "False": .literal(.bool(false))
        case "none", "None": .literal(.null)
        default: nil
        }
    }

    mutating func bracketed(_ line: Int) throws(TemplateError) -> TemplateExpression {
        if takeSymbol(")") { return TemplateExpression(.tuple([]), line: line) }
        let first = try expression()
        if takeSymbol(")") { return first }
        try expect(",")
        return TemplateExpression(.tuple([first] + (try elements(")"))), line: line)
    }

    mutating func elements(_ close: String) throws(TemplateError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !takeSymbol(close) {
            if !elements.isEmpty { try expect(",") }
            if takeSymbol(close) { break }
            elements.append(try expression())
        }
        return elements
    }

    mutating func members() throws(TemplateError) -> [(key: TemplateExpression, value: TemplateExpression)] {
        var members: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !takeSymbol("}") {
            if !members.isEmpty { try expect(",") }
            if takeSymbol("}") { break }
            let key = try expression()
            try expect(":")
            members.append((key, try expression()))
        }
        return members
    }
}
