/// A chat template: the program that turns a conversation into the text a model was trained on.
///
/// ```swift
/// let template = try ChatTemplate(source)
/// var input = ChatInput(messages: [["role": "user", "content": "Hi"]])
/// input.addsGenerationPrompt = true
/// print(try template.render(input).text)
/// ```
/// It is Jinja as `transformers` sets it up (trim_blocks, lstrip_blocks, loop controls, `raise_exception`, `strftime_now`,
/// `{% generation %}`), under a budget, without any way to reach what is outside of the conversation.
public struct ChatTemplate: Sendable {
    public let source: String
    public let budget: TemplateBudget
    private let body: [TemplateStatement]

    /// - Throws: `TemplateError` with the line where the template is wrong or goes beyond what chat templates get.
    public init(_ source: String, budget: TemplateBudget = .standard) throws(TemplateError) {
        guard source.utf8.count <= budget.source else {
            throw TemplateError(.limit, "\(source.utf8.count) bytes are more than \(budget.source)")
        }
        self.source = source
        self.budget = budget
        var parser = TemplateParser(try TemplateLexer.tokens(of: source), depthLimit: budget.depth)
        body = try parser.template()
    }

    /// The text of a conversation, and who wrote which part of it.
    public func render(_ input: ChatInput, clock: TemplateClock = .system) throws(TemplateError) -> RenderedChat {
        try input.check(source)
        let scope = TemplateScope(within: nil)
        for (name, value) in input.values { scope.values[name] = value }
        let run = TemplateRun(budget: budget, clock: clock)
        for value in scope.values.values { try run.measure(value, 0) }
        var out = TemplateText()
        _ = try run.run(body, scope, &out)
        if input.continuesFinalMessage { try input.cut(&out) }
        return RenderedChat(out, source: source)
    }

    /// True where the template marks what the assistant says, so that a trainer can learn that only.
    public var marksAssistant: Bool { Self.marks(body) }

    private static func marks(_ body: [TemplateStatement]) -> Bool {
        body.contains { statement in
            switch statement.node {
            case .generation: true
            case .branch(let branches, let otherwise): branches.contains { marks($0.body) } || marks(otherwise)
            case .loop(let loop): marks(loop.body) || marks(loop.otherwise)
            case .macro(let definition), .call(let definition, _): marks(definition.body)
            case .setBlock(_, _, let body), .filterBlock(_, let body), .with(_, let body): marks(body)
            default: false
            }
        }
    }
}
