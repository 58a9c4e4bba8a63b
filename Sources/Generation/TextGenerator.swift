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

    public init(_ model: Transformer, _ tokenizer: Tokenizer, defaults: GenerationConfig = GenerationConfig()) {
        self.model = model
        self.tokenizer = tokenizer
        self.defaults = defaults
    }

    /// Opens a model (a folder, a GGUF file) with its tokenizer and settings.
    public static func open(_ path: String) throws -> TextGenerator { try TextGenerator(ModelFolder.open(path)) }

    /// Loads the weights, tokenizer and settings of a model that is open already.
    public init(_ folder: ModelFolder) throws {
        self.init(try folder.transformer(), try folder.tokenizer(), defaults: try folder.generationConfig())
    }

    /// Continues `prompt`; `onText` gets the new text piece by piece, never half a character and never past a stop string.
    /// - Throws: `OptionError` where the prompt does not fit the context or an option means nothing.
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
        try options.validate(promptTokens: prompt.count, context: context)
        let clock = ContinuousClock()
        let start = clock.now
        let session = try GenerationSession(model, capacity: min(context, prompt.count + options.maxTokens), cacheType: cacheType)
        try session.prefill(prompt)
        let prefilled = clock.now
        var writer = TextWriter(tokenizer, prompt: prompt, stops: options.stops)
        var sampler = Sampler(options.sampling ?? defaults.sampling, vocabulary: model.spec.vocabulary)
        for id in prompt { sampler.accept(id) }
        var ids: [Int32] = []
        var reason = FinishReason.length
        let ends = options.ignoresEnd ? [] : defaults.eos
        while true {
            let id = sampler.next(session.logits)
            ids.append(id)
            try give(writer.append(id), onText)
            if ends.contains(Int(id)) || writer.stopped { reason = .stop }
            if reason == .stop || ids.count == options.maxTokens || prompt.count + ids.count >= context { break }
            session.step(id)
        }
        try give(writer.finish(), onText)
        let timings = GenerationTimings(
            promptTokens: prompt.count, promptSeconds: seconds(prefilled - start), generatedTokens: ids.count,
            generationSeconds: seconds(clock.now - prefilled))
        return GenerationResult(text: writer.text, ids: ids, promptIDs: prompt, finishReason: reason, timings: timings)
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
