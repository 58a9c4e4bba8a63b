import QuintetLayers

/// How much text to make and how.
public struct GenerationOptions: Sendable, Equatable {
    /// New tokens at most.
    public var maxTokens: Int
    /// Tokens of prompt and text together at most; nil for what the model was made for.
    public var context: Int?
    /// How tokens are chosen; nil for what the model's folder says.
    public var sampling: SamplingOptions?
    /// Text ends before any of these.
    public var stops: [String]
    /// Goes on past the model's own ends of text: for measuring.
    public var ignoresEnd: Bool
    /// What the text has to look like; nil for anything.
    public var format: OutputFormat?
    /// How many of the likeliest tokens are told with each; nil for no probabilities at all.
    public var logprobs: Int?
    /// Whose probabilities these are.
    public var logprobSource = TokenLogprobs.Source.model
    /// Which of several texts of one seed: each has random numbers of its own.
    public var stream: UInt64 = 0
    /// What proposes tokens for the model to check several at once; the text is the same as without.
    public var draft: DraftOptions = .none

    public init(maxTokens: Int = 128, context: Int? = nil, sampling: SamplingOptions? = nil, stops: [String] = [], ignoresEnd: Bool = false) {
        self.maxTokens = maxTokens
        self.context = context
        self.sampling = sampling
        self.stops = stops
        self.ignoresEnd = ignoresEnd
    }

    func validate(promptTokens: Int, context: Int, in spec: TransformerSpec? = nil) throws(OptionError) {
        guard maxTokens > 0, maxTokens < 1 << 24 else {
            throw OptionError(option: "max-tokens", expected: "from 1 to \((1 << 24) - 1)", found: "\(maxTokens)")
        }
        guard context > 0 else { throw OptionError(option: "context", expected: "at least 1", found: "\(context)") }
        if let spec, case .learned = spec.embedding.positions, context > spec.context {
            throw OptionError(option: "context", expected: "at most \(spec.context), the positions this model learned", found: "\(context)")
        }
        guard promptTokens < context else {
            throw OptionError(option: "prompt", expected: "fewer tokens than the context of \(context)", found: "\(promptTokens)")
        }
        if let logprobs, !(0...100).contains(logprobs) { throw OptionError(option: "logprobs", expected: "from 0 to 100", found: "\(logprobs)") }
        if stops.contains("") { throw OptionError(option: "stop", expected: "a text that is not empty", found: "\"\"") }
        try sampling?.validate()
    }
}

/// Why a text ended.
public enum FinishReason: String, Sendable, Equatable {
    /// The model or a stop string ended it.
    case stop
    /// It reached `maxTokens` or the end of the context.
    case length
}

/// A text that was made.
public struct GenerationResult: Sendable, Equatable {
    /// The new text, without the prompt, special tokens and what follows a stop string.
    public let text: String
    /// The new ids, the end of text included where the model gave one.
    public let ids: [Int32]
    public let promptIDs: [Int32]
    public let finishReason: FinishReason
    public let timings: GenerationTimings
    /// One for each id, where they were asked for.
    public var logprobs: [TokenLogprobs] = []
}

/// How long it took, in seconds.
public struct GenerationTimings: Sendable, Equatable {
    public let promptTokens: Int
    public let promptSeconds: Double
    public let generatedTokens: Int
    public let generationSeconds: Double
    /// Tokens that a draft proposed, and how many of them were taken.
    public var draftedTokens = 0
    public var acceptedTokens = 0

    public var promptTokensPerSecond: Double { promptSeconds > 0 ? Double(promptTokens) / promptSeconds : 0 }
    /// The first new token comes out of the prompt's pass, so the others are counted.
    public var tokensPerSecond: Double { generationSeconds > 0 ? Double(max(generatedTokens - 1, 0)) / generationSeconds : 0 }
}
