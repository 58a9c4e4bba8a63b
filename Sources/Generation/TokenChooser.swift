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
    private let source: TokenLogprobs.Source
    /// One for each token chosen, where they were asked for.
    public private(set) var logprobs: [TokenLogprobs] = []

    /// True where the last token says nothing, as the model's logits were no finite numbers.
    public var isBroken: Bool { sampler.isBroken }

    /// True where the constraint is satisfied and nothing can follow.
    public private(set) var isComplete = false

    public init(_ options: GenerationOptions, sampling: SamplingOptions, constraint: ConstraintState?, vocabulary: Int) {
        sampler = Sampler(options.sampling ?? sampling, vocabulary: vocabulary, stream: options.stream)
        self.constraint = constraint
        top = options.logprobs
        source = options.logprobSource
    }

    /// Tells the chooser about a token of the prompt.
    public mutating func accept(_ id: Int32) { sampler.accept(id) }

    /// The next token; `logits` may be changed.
    /// - Throws: `ConstraintError` where no token may come.
    public mutating func next(_ logits: UnsafeMutableBufferPointer<Float>) throws(ConstraintError) -> Int32 {
        let told = top.flatMap { source == .model ? TokenLogprobs(logits, top: $0) : nil }
        let kept = told.map { _ in Array(logits) }
        try constraint?.restrict(logits)
        let id = sampler.next(logits)
        if var told, let kept {
            told.chosen = TokenLogprobs.Entry(id: id, logprob: kept[Int(id)] - told.normalizer)
            logprobs.append(told)
        } else if let top {
            logprobs.append(TokenLogprobs(chosen: id, among: sampler.lastShares(id), top: top))
        }
        try constraint?.accept(id)
        isComplete = constraint?.isComplete ?? false
        return id
    }
}
