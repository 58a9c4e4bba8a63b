/// What a grammar is made of, before it is worked out.
indirect enum GrammarExpression: Sendable {
    case text([UInt8])
    case scalars(ScalarSet)
    case sequence([GrammarExpression])
    case choice([GrammarExpression])
    case rule(Int)
    case repeated(GrammarExpression, min: Int, max: Int?)

    static func text(_ text: String) -> GrammarExpression { .text(Array(text.utf8)) }
    static let empty = GrammarExpression.sequence([])

    static func optional(_ inner: GrammarExpression) -> GrammarExpression { .choice([inner, .empty]) }
}

/// What a grammar may hold.
public struct GrammarBudget: Sendable {
    /// Bytes of its text.
    public var source = 1 << 20
    /// Groups within each other.
    public var depth = 128
    /// Terminals and references once repetitions are written out.
    public var elements = 1 << 18
    /// The highest count of a repetition.
    public var repetitions = 1 << 16
    /// States met while generating.
    public var states = 1 << 20

    public init() {}
}
