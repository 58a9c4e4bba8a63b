import QuintetCheckpoints
public import QuintetFiles
import QuintetGeneration
import QuintetLayers
public import QuintetModels
import QuintetReports
public import QuintetTensors

/// How fast a model reads a prompt and writes a continuation, as a share of what this machine can do.
///
/// Random ids, greedy choice, ends of text ignored. Reading a prompt is bound by multiply-adds, writing by memory: a token reads
/// every weight and the cache once.
public struct ModelBenchmark: Sendable {
    public var promptTokens = 512
    public var generatedTokens = 128
    public var threads: Int
    /// Timed runs, after one to warm up; medians count.
    public var runs = 3
    public var cacheType = CacheType.f16
    /// How products take their numbers; nil for what the model's file asks for, and f32 for random weights.
    public var arithmetic: FrozenArithmetic?

    public init(threads: Int) { self.threads = threads }

    /// Opens the folder (that is timed, too) and measures.
    public func run(folder path: String) throws -> Report {
        try measure { () throws -> (String, Transformer, Int) in
            var folder = try ModelFolder.open(path)
            if let arithmetic { folder.arithmetic = arithmetic }
            let reader = try folder.weightReader()
            return (path, try folder.transformer(), Self.bytesPerToken(folder.spec) { reader.storedByteCount($0.name) })
        }
    }

    /// Measures a preset with random weights, its matrices in the types that a GGUF file of this quantization has.
    public func run(preset: Preset, quantization: GGUFQuantization = .f32) throws -> Report {
        try measure { () throws -> (String, Transformer, Int) in
            let spec = try preset.shape.spec()
            let source = try RandomParameters(spec, quantization)
            return (preset.name, try Transformer(spec, ParameterScope(source, .packed(arithmetic ?? .exact))), Self.bytesPerToken(spec, source.bytes))
        }
    }

    /// Bytes of weights that one token reads: everything but tables of which it takes one row.
    private static func bytesPerToken(_ spec: TransformerSpec, _ bytes: (ParameterSpec) -> Int) -> Int {
        let tied = spec.head.projection == .tied
        return spec.parameters.reduce(0) { sum, parameter in
            let isTable = parameter.role == .embedding && !(tied && parameter.name == "embedding.tokens.weight")
            return isTable ? sum : sum + bytes(parameter)
        }
    }

    private func measure(_ load: () throws -> (name: String, model: Transformer, bytes: Int)) throws -> Report {
        Threads.use(threads)
        let clock = ContinuousClock()
        let start = clock.now
        let (name, model, bytes) = try load()
        let loadSeconds = (clock.now - start) / .seconds(1)
        let session = try GenerationSession(model, capacity: promptTokens + generatedTokens, cacheType: cacheType)
        _ = try time(session, clock)
        let peak = MachineMemory.peak
        let before = Limits(threads: threads)
        let times = try (0..<runs).map { _ in try time(session, clock) }
        let after = Limits(threads: threads)
        let cacheBytes = session.cacheBytesPerToken * (promptTokens + generatedTokens / 2)
        return Report(
            benchmark: self, name: name, parameters: model.spec.parameterCount, loadSeconds: loadSeconds,
            promptSeconds: times.map(\.prompt).sorted(), generationSeconds: times.map(\.generation).sorted(),
            bytesPerToken: bytes + cacheBytes, promptFlops: model.spec.forwardFlops(batch: 1, time: promptTokens, scored: 1),
            limits: [before, after], peakBytes: peak)
    }

    private func time(_ session: GenerationSession, _ clock: ContinuousClock) throws -> (prompt: Double, generation: Double) {
        let vocabulary = session.model.spec.vocabulary
        let prompt = (0..<promptTokens).map { Int32(($0 * 7919 + 13) % vocabulary) }
        var sampler = Sampler(.greedy, vocabulary: vocabulary)
        session.reset()
        let start = clock.now
        try session.prefill(prompt)
        let middle = clock.now
        for _ in 0..<generatedTokens { session.step(sampler.next(session.logits)) }
        return ((middle - start) / .seconds(1), (clock.now - middle) / .seconds(1))
    }

    /// What the machine could do at that moment.
    public struct Limits: Sendable {
        public let fmaGflops: Double
        public let readGBPerSecond: Double

        init(threads: Int) {
            fmaGflops = MachineLimit.fmaGflops(threads: threads)
            readGBPerSecond = MachineLimit.readGBPerSecond(threads: threads)
        }
    }
}

extension ModelBenchmark {
    /// What was measured; times are sorted seconds, the median counts.
    public struct Report: Sendable {
        public let benchmark: ModelBenchmark
        public let name: String
        public let parameters: Int
        public let loadSeconds: Double
        public let promptSeconds: [Double]
        public let generationSeconds: [Double]
        /// Weights as stored, and the cache at the middle of the text.
        public let bytesPerToken: Int
        public let promptFlops: Double
        public let limits: [Limits]
        /// Before the limits were probed, which takes memory of its own.
        public let peakBytes: Int

        public var promptTokensPerSecond: Double { Double(benchmark.promptTokens) / median(promptSeconds) }
        public var tokensPerSecond: Double { Double(benchmark.generatedTokens) / median(generationSeconds) }
        /// Bytes read per second in decoding over the machine's streaming reads.
        public var shareOfLimit: Double {
            Double(bytesPerToken) * tokensPerSecond * 1e-9 / mean(limits.map(\.readGBPerSecond))
        }
        /// GFLOP/s in reading the prompt over the machine's multiply-adds.
        public var promptShareOfLimit: Double { promptFlops / median(promptSeconds) * 1e-9 / mean(limits.map(\.fmaGflops)) }

        private func median(_ values: [Double]) -> Double { values[values.count / 2] }
        private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

        /// Two lines for a person.
        public var summary: String {
            """
            \(name), \(Number.compact(Double(parameters))) parameters, \(benchmark.threads) threads, loaded in \(Number.significant(loadSeconds)) s, \
            \(Number.significant(Double(peakBytes) * 1e-6)) MB
            prompt of \(benchmark.promptTokens): \(Number.significant(promptTokensPerSecond)) tokens/s \
            (\(Number.significant(100 * promptShareOfLimit)) % of the multiply-adds); writing \(benchmark.generatedTokens): \
            \(Number.significant(tokensPerSecond)) tokens/s (\(Number.significant(100 * shareOfLimit)) % of the memory's speed)
            """
        }

        public var json: JSON {
            func rates(_ seconds: [Double], _ tokens: Int) -> JSON { .array(seconds.reversed().map { .number(Double(tokens) / $0) }) }
            return [
                "model": .string(name), "parameters": JSON(parameters), "threads": JSON(benchmark.threads), "isa": .string(InstructionSet.name),
                "prompt": JSON(benchmark.promptTokens), "generate": JSON(benchmark.generatedTokens), "runs": JSON(benchmark.runs),
                "cache_type": .string(benchmark.cacheType.rawValue), "arithmetic": benchmark.arithmetic.map { .string($0.rawValue) } ?? .null,
                "prompt_tokens_per_second": .number(promptTokensPerSecond), "tokens_per_second": .number(tokensPerSecond),
                "share_of_limit": .number(shareOfLimit), "prompt_share_of_limit": .number(promptShareOfLimit),
                "prompt_tokens_per_second_runs": rates(promptSeconds, benchmark.promptTokens),
                "tokens_per_second_runs": rates(generationSeconds, benchmark.generatedTokens),
                "bytes_per_token": JSON(bytesPerToken), "limit_gflops": .array(limits.map { .number($0.fmaGflops) }),
                "limit_read_gb_per_second": .array(limits.map { .number($0.readGBPerSecond) }),
                "load_seconds": .number(loadSeconds), "peak_rss_bytes": JSON(peakBytes),
            ]
        }
    }
}
