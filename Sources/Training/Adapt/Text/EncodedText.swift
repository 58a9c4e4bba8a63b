/// A text as ids, and which of them are learned: predicted from what stands before them.
public struct EncodedText: Sendable, Equatable {
    public var ids: [Int32]
    /// For each id; the first one has nothing before it and is never learned. Of a text that is scored: the ids whose states are.
    public var learned: [Bool]
    /// Tokens that were cut off at the end to fit.
    public var cut = 0
    /// Answers before which the template writes something else than when it asks for one.
    public var askedOtherwise = 0
    /// Answers of which the template writes nothing that is learned.
    public var leftOut = 0

    public init(ids: [Int32], learned: [Bool], cut: Int = 0) {
        self.ids = ids
        self.learned = learned
        self.cut = cut
        if !self.learned.isEmpty { self.learned[0] = false }
    }

    /// Ids that are learned.
    public var learnedCount: Int { learned.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// The same where a head scores the states of some ids.
    func scored(where isScored: (Int) -> Bool) -> EncodedText {
        var text = self
        text.learned = ids.indices.map(isScored)
        return text
    }

    /// The same without what goes beyond `limit` ids.
    func cut(to limit: Int) -> EncodedText {
        guard ids.count > limit else { return self }
        var text = self
        (text.ids, text.learned, text.cut) = (Array(ids[..<limit]), Array(learned[..<limit]), cut + ids.count - limit)
        return text
    }
}

/// An example made ready for its objective.
public struct Sample: Sendable {
    /// One text; of a preference the chosen one and the rejected one.
    public var texts: [EncodedText]
    public var target = Target.text
    public var position: DataRow.Position
    /// For each text the log-probability of its learned tokens before anything was learned, where the objective compares with that.
    public var reference: [Double]?

    public init(texts: [EncodedText], target: Target = .text, position: DataRow.Position, reference: [Double]? = nil) {
        (self.texts, self.target, self.position, self.reference) = (texts, target, position, reference)
    }

    /// What is to be predicted.
    public enum Target: Sendable, Equatable {
        /// The learned tokens of the texts themselves.
        case text
        /// A class by its index.
        case label(Int)
        case value(Float)
        /// For each token a class by its index, or -1.
        case tags([Int32])
    }

    /// Ids that the model reads.
    public var tokens: Int { texts.reduce(0) { $0 + $1.ids.count } }
}
