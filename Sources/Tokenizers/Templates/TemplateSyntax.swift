/// An expression of a template and its line.
final class TemplateExpression: Sendable {
    let line: Int
    let node: Node

    init(_ node: Node, line: Int) {
        self.node = node
        self.line = line
    }

    enum Node: Sendable {
        case literal(TemplateValue)
        case name(String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case dict([(key: TemplateExpression, value: TemplateExpression)])
        case attribute(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
        case call(TemplateExpression, TemplateArguments)
        case filter(TemplateExpression, String, TemplateArguments)
        case test(TemplateExpression, String, TemplateArguments)
        case not(TemplateExpression)
        case negative(TemplateExpression)
        case positive(TemplateExpression)
        /// From left to right; a list, so that a long sum is no deep tree.
        case arithmetic(TemplateExpression, [(operation: TemplateOperator, value: TemplateExpression)])
        case concatenation([TemplateExpression])
        case comparison(TemplateExpression, [(TemplateComparison, TemplateExpression)])
        case all([TemplateExpression])
        case any([TemplateExpression])
        case conditional(TemplateExpression, then: TemplateExpression, else: TemplateExpression?)
        /// What a filter of a block is applied to.
        case block
    }
}

enum TemplateOperator: String, Sendable {
    case add = "+", subtract = "-", multiply = "*", divide = "/", floorDivide = "//", remainder = "%", power = "**"
}

enum TemplateComparison: String, Sendable {
    case equal = "==", notEqual = "!=", less = "<", lessEqual = "<=", greater = ">", greaterEqual = ">=", isIn = "in", isNotIn = "not in"
}

struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*list` and `**object`.
    var spread: TemplateExpression?
    var spreadNamed: TemplateExpression?
}

/// A statement of a template and its line.
struct TemplateStatement: Sendable {
    let node: Node
    let line: Int

    indirect enum Node: Sendable {
        case text(TemplateText)
        case output(TemplateExpression)
        case branch([(condition: TemplateExpression, body: [TemplateStatement])], else: [TemplateStatement])
        case loop(TemplateForLoop)
        case set(TemplateTarget, TemplateExpression)
        /// `filter` has `.block` where the body goes; nil for the body as it is.
        case setBlock(TemplateTarget, filter: TemplateExpression?, body: [TemplateStatement])
        case macro(TemplateMacroDefinition)
        case call(TemplateMacroDefinition, TemplateExpression)
        case filterBlock(TemplateExpression, body: [TemplateStatement])
        case with([(target: TemplateTarget, value: TemplateExpression)], body: [TemplateStatement])
        /// What the assistant says: its place in the output is kept.
        case generation([TemplateStatement])
        case breakLoop
        case continueLoop
    }
}

final class TemplateForLoop: Sendable {
    let target: TemplateTarget
    let sequence: TemplateExpression
    let condition: TemplateExpression?
    let body: [TemplateStatement]
    let otherwise: [TemplateStatement]
    let isRecursive: Bool

    init(
        _ target: TemplateTarget, in sequence: TemplateExpression, if condition: TemplateExpression?, isRecursive: Bool,
        body: [TemplateStatement], otherwise: [TemplateStatement]
    ) {
        self.target = target
        self.sequence = sequence
        self.condition = condition
        self.isRecursive = isRecursive
        self.body = body
        self.otherwise = otherwise
    }
}

final class TemplateMacroDefinition: Sendable {
    let name: String
    let parameters: [(name: String, fallback: TemplateExpression?)]
    let body: [TemplateStatement]

    init(_ name: String, _ parameters: [(name: String, fallback: TemplateExpression?)], _ body: [TemplateStatement]) {
        self.name = name
        self.parameters = parameters
        self.body = body
    }
}

/// What `set` and `for` give values to.
indirect enum TemplateTarget: Sendable {
    case name(String)
    case attribute(String, String)
    case tuple([TemplateTarget])
}
