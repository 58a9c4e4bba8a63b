/// What an output has to look like: a GBNF grammar or a JSON schema, read and checked, for any vocabulary.
public final class OutputFormat: Sendable, Equatable {
    let grammar: Grammar
    let budget: GrammarBudget
    let place: String

    init(grammar: Grammar, budget: GrammarBudget, place: String) {
        self.grammar = grammar
        self.budget = budget
        self.place = place
    }

    /// The same one: formats are not compared by what they mean.
    public static func == (a: OutputFormat, b: OutputFormat) -> Bool { a === b }

    /// True where `text` is such an output, whole.
    public func matches(_ text: some Sequence<UInt8>) throws(ConstraintError) -> Bool {
        let engine = GrammarEngine(grammar, TokenTrie([], ends: []), budget: budget)
        return engine.accepts(try engine.advance(engine.start, over: text))
    }
}
