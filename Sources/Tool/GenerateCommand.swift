import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetModels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a text with a model.",
        discussion: """
            Example:
              quintet generate ./stories --prompt "Once upon a time" --max-tokens 100 --temperature 0.8 --seed 7

            The text appears as it is made. Defaults come from the model's generation_config.json; --temperature 0 is greedy. \
            The same seed gives the same text. --json prints {"text","ids","prompt_ids","finish_reason","timings"}.
            """)

    @Argument(help: "A model folder in Hugging Face layout.") var model: String
    @Option(help: "The text to continue.") var prompt: String
    @Option(help: "New tokens at most (default: from the model's folder, else 128).") var maxTokens: Int?
    @Option(help: "Tokens of prompt and text together at most (default: what the model was made for).") var context: Int?
    @Option(help: "0 takes the likeliest token, higher values vary more.") var temperature: Float?
    @Option(help: "Choose among the K likeliest tokens; 0 for all.") var topK: Int?
    @Option(help: "Choose among the likeliest tokens that hold this share of the probability.") var topP: Float?
    @Option(help: "Leave out tokens less likely than this share of the likeliest.") var minP: Float?
    @Option(help: "Above 1 makes repeated tokens less likely.") var repetitionPenalty: Float?
    @Option(help: "The same seed gives the same text.") var seed: UInt64 = 0
    @Option(help: "End before this text; may be given several times.") var stop: [String] = []
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Go on past the model's own end of text.") var ignoreEnd = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try useThreads(threads)
        let clock = ContinuousClock()
        let start = clock.now
        let generator = try TextGenerator(try openModel(model))
        let loadSeconds = (clock.now - start) / .seconds(1)
        let options = options(generator.defaults)
        if json {
            print(report(try generator.generate(prompt, options: options), loadSeconds).serialized())
        } else {
            var waiting = prompt
            _ = try generator.generate(prompt, options: options) { piece in
                emit(waiting + piece)
                waiting = ""
            }
            emit(waiting + "\n")
        }
    }

    private func options(_ defaults: GenerationConfig) -> GenerationOptions {
        var sampling = defaults.sampling
        if let temperature { sampling.temperature = temperature }
        if let topK { sampling.topK = topK }
        if let topP { sampling.topP = topP }
        if let minP { sampling.minP = minP }
        if let repetitionPenalty { sampling.repetitionPenalty = repetitionPenalty }
        sampling.seed = seed
        return GenerationOptions(
            maxTokens: maxTokens ?? defaults.maxNewTokens ?? 128, context: context, sampling: sampling, stops: stop, ignoresEnd: ignoreEnd)
    }

    private func report(_ result: GenerationResult, _ loadSeconds: Double) -> JSON {
        let timings = result.timings
        return [
            "text": .string(result.text), "ids": .array(result.ids.map { JSON($0) }),
            "prompt_ids": .array(result.promptIDs.map { JSON($0) }), "finish_reason": .string(result.finishReason.rawValue),
            "timings": [
                "load_seconds": .number(loadSeconds), "prompt_tokens": JSON(timings.promptTokens),
                "prompt_seconds": .number(timings.promptSeconds), "prompt_tokens_per_second": .number(timings.promptTokensPerSecond),
                "generated_tokens": JSON(timings.generatedTokens), "generation_seconds": .number(timings.generationSeconds),
                "tokens_per_second": .number(timings.tokensPerSecond),
            ],
        ]
    }

    private func emit(_ text: String) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            done += count
        }
    }
}
