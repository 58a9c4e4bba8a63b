import QuintetLayers

/// What decides the next token of one sequence: sampler, constraint and the probabilities that are told. A value for each sequence.
///
/// ```swift
/// var chooser = try generator.chooser(options)
/// for id in prompt { chooser.accept(id) }
/// let id = try chooser.next(session.logits)
/// ```
public struct TokenChooser: Sendable {
    private(set) var sampler: Sampler
    private var constraint: ConstraintState?
    private let top: Int?
    /// One for each token chosen, where they were asked for.
    public private(set) var logprobs: [TokenLogprobs] = []

    /// True where the constraint is satisfied and nothing can follow.
    public private(set) var isComplete = false

    public init(_ options: GenerationOptions, sampling: SamplingOptions, constraint: ConstraintState?, vocabulary: Int) {
        sampler = Sampler(options.sampling ?? sampling, vocabulary: vocabulary, stream: options.stream)
        self.constraint = constraint
        top = options.logprobs
    }

    /// Tells the chooser about a token of the prompt.
    public mutating func accept(_ id: Int32) { sampler.accept(id) }

    /// The next token; `logits` may be changed.
    /// - Throws: `ConstraintError` where no token may come.
    public mutating func next(_ logits: UnsafeMutableBufferPointer<Float>) throws(ConstraintError) -> Int32 {
        if let top { logprobs.append(TokenLogprobs(logits, top: top)) }
        let original = top == nil || logprobs.isEmpty ? nil : Optional(logprobs[logprobs.count - 1].normalizer)
        let kept = original.map { _ in Array(logits) }
        try constraint?.restrict(logits)
        let id = sampler.next(logits)
        if let kept, let normalizer = original {
            logprobs[logprobs.count - 1].chosen = TokenLogprobs.Entry(id: id, logprob: kept[Int(id)] - normalizer)
        }
        try constraint?.accept(id)
        isComplete = constraint?.isComplete ?? false
        return id
    }
}
