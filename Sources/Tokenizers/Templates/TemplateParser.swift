/// Builds statements from tokens.
struct TemplateParser {
    private let tokens: [TemplateToken]
    private var at = 0
    private var depth = 0
    private let depthLimit: Int
    private var loops = 0

    init(_ tokens: [TemplateToken], depthLimit: Int) {
        self.tokens = tokens
        self.depthLimit = depthLimit
    }

    mutating func template() throws(TemplateError) -> [TemplateStatement] {
        let body = try statements(until: [])
        guard case .end = token.kind else { throw fault("an unexpected tag") }
        return body
    }
}

// Looking at tokens
extension TemplateParser {
    private var token: TemplateToken { tokens[min(at, tokens.count - 1)] }

    private func fault(_ what: String) -> TemplateError { TemplateError(.syntax, line: token.line, what) }

    private func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }
    private func isName(_ name: String) -> Bool { token.kind == .name(name) }

    private func isName(_ name: String, after count: Int) -> Bool {
        at + count < tokens.count && tokens[at + count].kind == .name(name)
    }

    private mutating func takeSymbol(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        at += 1
        return true
    }

    private mutating func takeName(_ name: String) -> Bool {
        guard isName(name) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(TemplateError) {
        if !takeSymbol(symbol) { throw fault("'\(symbol)' is missing") }
    }

    private mutating func expectBlockEnd() throws(TemplateError) {
        guard token.kind == .blockEnd else { throw fault("the tag should end here") }
        at += 1
    }

    private mutating func anyName() throws(TemplateError) -> String {
        guard case .name(let name) = token.kind else { throw fault("a name is missing") }
        at += 1
        return name
    }

    private mutating func enter() throws(TemplateError) {
        depth += 1
        if depth > depthLimit { throw TemplateError(.limit, line: token.line, "nested deeper than \(depthLimit)") }
    }
}

// Statements
extension TemplateParser {
    /// Statements up to a tag that begins with one of `ends`, which is left as the next token (its opening is taken).
    private mutating func statements(until ends: Set<String>) throws(TemplateError) -> [TemplateStatement] {
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

    private mutating func block(until end: String) throws(TemplateError) -> [TemplateStatement] {
        try expectBlockEnd()
        let body = try statements(until: [end])
        at += 1
        // As in Jinja, a name may follow: {% endmacro name %}.
        if end == "endmacro", case .name = token.kind { at += 1 }
        try expectBlockEnd()
        return body
    }

    private mutating func statement() throws(TemplateError) -> TemplateStatement.Node {
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

    private mutating func branch() throws(TemplateError) -> TemplateStatement.Node {
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

    private mutating func loop() throws(TemplateError) -> TemplateStatement.Node {
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

    private mutating func set() throws(TemplateError) -> TemplateStatement.Node {
        let target = try target(allowsAttributes: true)
        if takeSymbol("=") {
            let value = try tupleOrExpression()
            try expectBlockEnd()
            return .set(target, value)
        }
        let filter = isSymbol("|") ? try filters(of: TemplateExpression(.block, line: token.line)) : nil
        return .setBlock(target, filter: filter, body: try block(until: "endset"))
    }

    private mutating func target(allowsAttributes: Bool) throws(TemplateError) -> TemplateTarget {
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

    private mutating func singleTarget(_ allowsAttributes: Bool) throws(TemplateError) -> TemplateTarget {
        if isSymbol("(") {
            try enter()
            defer { depth -= 1 }
            return try target(allowsAttributes: allowsAttributes)
        }
        let name = try anyName()
        guard allowsAttributes, takeSymbol(".") else { return .name(name) }
        return .attribute(name, try anyName())
    }

    private mutating func macro(named name: String) throws(TemplateError) -> TemplateMacroDefinition {
        let parameters = isSymbol("(") ? try parameters() : []
        // A loop outside does not surround the body of a macro.
        let outer = loops
        loops = 0
        defer { loops = outer }
        return TemplateMacroDefinition(name, parameters, try block(until: "endmacro"))
    }

    private mutating func parameters() throws(TemplateError) -> [(name: String, fallback: TemplateExpression?)] {
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

    private mutating func call() throws(TemplateError) -> TemplateStatement.Node {
        let parameters = isSymbol("(") ? try parameters() : []
        let callee = try expression()
        guard case .call = callee.node else { throw fault("a call is missing") }
        let outer = loops
        loops = 0
        defer { loops = outer }
        return .call(TemplateMacroDefinition("caller", parameters, try block(until: "endcall")), callee)
    }

    private mutating func filterBlock() throws(TemplateError) -> TemplateStatement.Node {
        var filter = try oneFilter(of: TemplateExpression(.block, line: token.line))
        if isSymbol("|") { filter = try filters(of: filter) }
        return .filterBlock(filter, body: try block(until: "endfilter"))
    }

    private mutating func with() throws(TemplateError) -> TemplateStatement.Node {
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

// Expressions
extension TemplateParser {
    /// `a` or `a, b`: a tuple without brackets.
    private mutating func tupleOrExpression(allowsCondition: Bool = true) throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let first = allowsCondition ? try expression() : try or()
        guard isSymbol(",") else { return first }
        var parts = [first]
        while takeSymbol(","), startsExpression { parts.append(allowsCondition ? try expression() : try or()) }
        return TemplateExpression(.tuple(parts), line: line)
    }

    private var startsExpression: Bool {
        switch token.kind {
        case .name(let name): !["in", "if", "else", "recursive"].contains(name)
        case .string, .integer, .float: true
        case .symbol(let symbol): ["(", "[", "{", "-", "+"].contains(symbol)
        default: false
        }
    }

    private mutating func expression() throws(TemplateError) -> TemplateExpression {
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

    private mutating func or() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        var parts = [try and()]
        while takeName("or") { parts.append(try and()) }
        return parts.count == 1 ? parts[0] : TemplateExpression(.any(parts), line: line)
    }

    private mutating func and() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        var parts = [try not()]
        while takeName("and") { parts.append(try not()) }
        return parts.count == 1 ? parts[0] : TemplateExpression(.all(parts), line: line)
    }

    private mutating func not() throws(TemplateError) -> TemplateExpression {
        guard isName("not") else { return try comparison() }
        let line = token.line
        at += 1
        try enter()
        defer { depth -= 1 }
        return TemplateExpression(.not(try not()), line: line)
    }

    private mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let first = try binary(0)
        var rest: [(TemplateComparison, TemplateExpression)] = []
        while let comparison = takeComparison() { rest.append((comparison, try binary(0))) }
        return rest.isEmpty ? first : TemplateExpression(.comparison(first, rest), line: line)
    }

    private mutating func takeComparison() -> TemplateComparison? {
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
    private static let levels: [[String]] = [["+", "-"], ["~"], ["*", "/", "//", "%"], ["**"]]

    private mutating func binary(_ level: Int) throws(TemplateError) -> TemplateExpression {
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

    private mutating func unary(takesFilters: Bool) throws(TemplateError) -> TemplateExpression {
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

    private mutating func primary() throws(TemplateError) -> TemplateExpression {
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

    private static func constant(_ name: String) -> TemplateExpression.Node? {
        switch name {
        case "true", "True": .literal(.bool(true))
        case "false", "False": .literal(.bool(false))
        case "none", "None": .literal(.null)
        default: nil
        }
    }

    private mutating func bracketed(_ line: Int) throws(TemplateError) -> TemplateExpression {
        if takeSymbol(")") { return TemplateExpression(.tuple([]), line: line) }
        let first = try expression()
        if takeSymbol(")") { return first }
        try expect(",")
        return TemplateExpression(.tuple([first] + (try elements(")"))), line: line)
    }

    private mutating func elements(_ close: String) throws(TemplateError) -> [TemplateExpression] {
        var elements: [TemplateExpression] = []
        while !takeSymbol(close) {
            if !elements.isEmpty { try expect(",") }
            if takeSymbol(close) { break }
            elements.append(try expression())
        }
        return elements
    }

    private mutating func members() throws(TemplateError) -> [(key: TemplateExpression, value: TemplateExpression)] {
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

    private mutating func postfix(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
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

    private mutating func member(of value: TemplateExpression, _ line: Int) throws(TemplateError) -> TemplateExpression.Node {
        if case .integer(let index) = token.kind {
            at += 1
            return .item(value, TemplateExpression(.literal(.int(index)), line: line))
        }
        return .attribute(value, try anyName())
    }

    private mutating func subscripted(_ value: TemplateExpression) throws(TemplateError) -> TemplateExpression.Node {
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
    private mutating func filters(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
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

    private mutating func oneFilter(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression {
        let line = token.line
        let name = try anyName()
        return TemplateExpression(.filter(value, name, isSymbol("(") ? try arguments() : TemplateArguments()), line: line)
    }

    private mutating func test(of value: TemplateExpression, _ line: Int) throws(TemplateError) -> TemplateExpression {
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

    private var startsTestArgument: Bool {
        switch token.kind {
        case .name(let name): !["else", "or", "and", "is", "if", "in", "not", "recursive"].contains(name)
        case .string, .integer, .float: true
        case .symbol(let symbol): ["[", "{"].contains(symbol)
        default: false
        }
    }

    private mutating func arguments() throws(TemplateError) -> TemplateArguments {
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
