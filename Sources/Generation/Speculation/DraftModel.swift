public import QuintetLayers
public import QuintetTokenizers

/// A model that proposes tokens for another one.
public final class DraftModel: Sendable, Equatable {
    let model: Transformer

    /// - Throws: `OptionError` where the two do not share a vocabulary, token by token.
    public init(_ model: Transformer, _ tokenizer: Tokenizer, for target: TextGenerator) throws(OptionError) {
        let (ours, theirs) = (target.tokenizer, tokenizer)
        let differs = ours.vocabularySize != theirs.vocabularySize || (0..<Int32(truncatingIfNeeded: ours.vocabularySize)).contains { ours.token(of: $0) != theirs.token(of: $0) }
        if differs { throw OptionError(option: "draft", expected: "a model with the same vocabulary", found: "another one") }
        guard model.canRewind else { throw OptionError(option: "draft", expected: "a model whose state can go back", found: "another one") }
        self.model = model
    }

    public static func == (a: DraftModel, b: DraftModel) -> Bool { a === b }
}
