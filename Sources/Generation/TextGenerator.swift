public import QuintetFiles
public import QuintetLayers
public import QuintetModels
public import QuintetTensors
public import QuintetTokenizers

/// A model and its tokenizer, making text.
///
/// ```swift
/// let generator = try TextGenerator.open("stories260K-hf")
/// let result = try generator.generate("Once upon a time", options: GenerationOptions(maxTokens: 50))
/// print(result.text)
/// ```
public struct TextGenerator: Sendable {
    public let model: Transformer
    public let tokenizer: Tokenizer
    /// What the model's folder says about sampling and ends of text.
    public let defaults: GenerationConfig
    /// What keys and values are kept in: f16 and q8_0 take a half and about a quarter of f32's memory, for some accuracy.
    public var cacheType = CacheType.f32
    public let templates: ChatTemplates
    /// How many adapters lie beside the model's weights.
    public private(set) var adapters = 0
    private let constraints = ConstraintCache()
    /// Where the weights lie; nil for a model that was made in memory.
    private var folder: ModelFolder?

    public init(_ model: Transformer, _ tokenizer: Tokenizer, defaults: GenerationConfig = GenerationConfig(), templates: ChatTemplates? = nil) {
        self.model = model
        self.tokenizer = tokenizer
        self.defaults = defaults
        self.templates = templates ?? ChatTemplates(tokenizer.configuration["chat_template"] ?? .null)
    }

    /// Opens a model (a folder, a GGUF file) with its tokenizer and settings.
    public static func open(_ path: String) throws -> TextGenerator { try TextGenerator(ModelFolder.open(path)) }

    /// Loads the weights, tokenizer and settings of a model that is open already.
    public init(_ folder: ModelFolder) throws {
        if try folder.scoreLayer() != nil {
            throw FileError(
                "this model scores texts; it does not write", path: folder.path, expected: "a language model", found: "a layer that scores",
                hint: "quintet adapt predict \(folder.path) --text TEXT")
        }
        let tokenizer = try folder.tokenizer()
        self.init(
            try folder.transformer(), tokenizer, defaults: try folder.generationConfig(),
            templates: try ChatTemplates.read(folder: folder.path, configuration: tokenizer.configuration))
        adapters = folder.adapterCount
        self.folder = folder
    }

    /// - Throws: `FileError` where a file of weights was cut short under the model, so that what it computes may come from zeros.
    public func checkIntact() throws(FileError) { try folder?.checkIntact() }

    /// What is said where a model computes no numbers.
    func brokenNumbers(at position: Int) -> FileError {
        FileError(
            "the model computes no finite numbers", path: folder?.path, field: "logits", expected: "finite numbers",
            found: "NaN or infinity for what follows \(position) tokens",
            hint: "its weights are damaged, or too large for the type that they are kept in; inspect --check-tensors finds them in a .gguf file")
    }

    /// Continues `prompt`; `onText` gets the new text piece by piece, never half a character and never past a stop string.
    /// - Throws: `OptionError` where the prompt does not fit the context or an option means nothing, `ConstraintError` where a
    ///   format cannot be held to.
    public func generate(
        _ prompt: String, options: GenerationOptions = GenerationOptions(), onText: (String) throws -> Void = { _ in }
    ) throws -> GenerationResult {
        try generate(try promptIDs(prompt), options: options, onText: onText)
    }

    /// Continues a prompt of ids.
    public func generate(
        _ prompt: [Int32], options: GenerationOptions = GenerationOptions(), onText: (String) throws -> Void = { _ in }
    ) throws -> GenerationResult {
        let context = options.context ?? model.spec.context
        try options.validate(promptTokens: prompt.count, context: context, in: model.spec)
        let session = try GenerationSession(
            model, capacity: min(context, prompt.count + options.maxTokens), cacheType: cacheType)
        return try generate(prompt, in: session, options: options, onText: onText)
    }

    /// Continues a prompt in a session, which keeps what it has read of the beginning already.
    func generate(
        _ prompt: [Int32], in session: GenerationSession, options: GenerationOptions, shouldStop: () -> Bool = { false },
        onText: (String) throws -> Void
    ) throws -> GenerationResult {
        let clock = ContinuousClock()
        let start = clock.now
        var chooser = try chooser(options)
        let isRead = try session.prefill(Array(prompt[session.count...]), shouldStop: shouldStop)
        let prefilled = clock.now
        var writer = TextWriter(tokenizer, prompt: prompt, stops: options.stops)
        for id in prompt { chooser.accept(id) }
        var speculation = try Speculation(session, options, options.sampling ?? defaults.sampling)
        var ids: [Int32] = []
        var reason = isRead ? FinishReason.length : .stop
        var logits = session.logits
        let ends = options.ignoresEnd ? [] : defaults.eos
        while isRead {
            let id = try chooser.next(logits)
            if chooser.isBroken { throw brokenNumbers(at: prompt.count + ids.count) }
            ids.append(id)
            try give(writer.append(id), onText)
            if ends.contains(Int(id)) || writer.stopped || chooser.isComplete || shouldStop() { reason = .stop }
            if reason == .stop || ids.count == options.maxTokens || prompt.count + ids.count >= session.capacity { break }
            logits = try speculation.logits(
                after: id, text: prompt + ids, step: UInt64(ids.count), room: min(options.maxTokens - ids.count, session.capacity - prompt.count - ids.count))
        }
        try speculation.settle()
        try give(writer.finish(), onText)
        var timings = GenerationTimings(
            promptTokens: prompt.count, promptSeconds: seconds(prefilled - start), generatedTokens: ids.count,
            generationSeconds: seconds(clock.now - prefilled))
        (timings.draftedTokens, timings.acceptedTokens) = (speculation.drafted, speculation.accepted)
        var result = GenerationResult(text: writer.text, ids: ids, promptIDs: prompt, finishReason: reason, timings: timings)
        result.logprobs = chooser.logprobs
        return result
    }

    /// What chooses the tokens of one sequence under these options.
    /// - Throws: `ConstraintError` where the format cannot be held to with this vocabulary.
    public func chooser(_ options: GenerationOptions) throws(ConstraintError) -> TokenChooser {
        var state: ConstraintState?
        if let format = options.format { state = try constraint(format) }
        var options = options
        let sampling = completed(options.sampling ?? defaults.sampling)
        options.sampling = sampling
        return TokenChooser(options, sampling: sampling, constraint: state, vocabulary: model.spec.vocabulary)
    }

    /// The same with what this vocabulary decides: tokens over which no repetition reaches.
    public func completed(_ sampling: SamplingOptions) -> SamplingOptions {
        var sampling = sampling
        if sampling.dryMultiplier > 0, sampling.dryBreakers.isEmpty { sampling.dryBreakers = repetitionBreakers }
        return sampling
    }

    /// Tokens that end a sentence's frame: no repetition reaches over them.
    private var repetitionBreakers: [Int32] {
        let marks = Set("\n:\"*".utf8)
        return (tokenizer.tokenBytes ?? []).enumerated().filter { $1.contains(where: marks.contains) }.map { Int32($0.offset) }
    }

    /// The beginning of a text that has a format, worked out for this vocabulary once.
    public func constraint(_ format: OutputFormat) throws(ConstraintError) -> ConstraintState {
        try constraints.constraint(format, tokenizer, ends: defaults.eos).start
    }

    /// The prompt's ids with what the tokenizer's template adds; an empty prompt begins with the token that begins texts.
    public func promptIDs(_ prompt: String) throws(OptionError) -> [Int32] {
        let ids = tokenizer.encode(prompt)
        if !ids.isEmpty { return ids }
        if let begin = defaults.bos ?? tokenizer.bosID.map({ Int($0) }) ?? defaults.eos.first { return [Int32(truncatingIfNeeded: begin)] }
        throw OptionError(option: "prompt", expected: "text", found: "nothing, and this model has no token that begins a text")
    }

    private func give(_ piece: String, _ onText: (String) throws -> Void) throws {
        if !piece.isEmpty { try onText(piece) }
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
