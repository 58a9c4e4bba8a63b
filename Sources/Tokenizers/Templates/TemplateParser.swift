/// Builds statements from tokens.
struct TemplateParser {
    let tokens: [TemplateToken]
    var at = 0
    var depth = 0
    let depthLimit: Int
    var loops = 0

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
    var token: TemplateToken { tokens[min(at, tokens.count - 1)] }

    func fault(_ what: String) -> TemplateError { TemplateError(.syntax, line: token.line, what) }

    func isSymbol(_ symbol: String) -> Bool { token.kind == .symbol(symbol) }
    func isName(_ name: String) -> Bool { token.kind == .name(name) }

    func isName(_ name: String, after count: Int) -> Bool {
        at + count < tokens.count && tokens[at + count].kind == .name(name)
    }

    mutating func takeSymbol(_ symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        at += 1
        return true
    }

    mutating func takeName(_ name: String) -> Bool {
        guard isName(name) else { return false }
        at += 1
        return true
    }

    mutating func expect(_ symbol: String) throws(TemplateError) {
        if !takeSymbol(symbol) { throw fault("'\(symbol)' is missing") }
    }

    mutating func expectBlockEnd() throws(TemplateError) {
        guard token.kind == .blockEnd else { throw fault("the tag should end here") }
        at += 1
    }

    mutating func anyName() throws(TemplateError) -> String {
        guard case .name(let name) = token.kind else { throw fault("a name is missing") }
        at += 1
        return name
    }

    mutating func enter() throws(TemplateError) {
        depth += 1
        if depth > depthLimit { throw TemplateError(.limit, line: token.line, "nested deeper than \(depthLimit)") }
    }
}
