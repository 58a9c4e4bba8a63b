import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTokenizers

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continue a text with a model.",
        discussion: """
            Example:
              quintet generate ./stories --prompt "Once upon a time" \\
                  --max-tokens 100 --temperature 0.8 --seed 7
              quintet generate ./model.gguf --chat --prompt "Name three fish." \\
                  --json-schema '{"type":"array","items":{"type":"string"}}'
              quintet generate ./llama --lora ./adapter --prompt "Dear"

            The text appears as it is made. Defaults come from the model's generation_config.json; --temperature 0 is greedy. \
            The same seed gives the same text. --json prints {"text","ids","prompt_ids","finish_reason","timings"}. \
            Order: penalties, DRY, top-n-sigma, temperature, top-k, top-p, min-p, typical-p, xtc. A grammar or schema that cannot be held \
            to is an error before the first token.
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .gguf file.") var model: String
    @Option(name: [.customLong("adapter"), .customLong("lora")], help: ArgumentHelp("An adapter to apply: a folder of PEFT's, or a GGUF file of one; may be given several times.", valueName: "adapter[=weight]"))
    var lora: [String] = []
    @Option(help: "The text to continue.") var prompt: String?
    @Option(help: "A file with the text to continue; - for standard input.") var promptFile: String?
    @Flag(help: "The prompt is a message: write it as the model's chat template does.") var chat = false
    @Option(help: "With --chat: the system message.") var system: String?
    @Option(name: .customLong("n"), help: "How many texts to make.") var count = 1
    @Option(help: "New tokens at most (default: from the model's folder, else 128).") var maxTokens: Int?
    @Option(help: "Tokens of prompt and text together at most (default: what the model was made for).") var context: Int?
    @Option(help: "What the cache holds: f32, f16 or q8_0.", transform: cacheType(_:)) var cacheType = CacheType.f32
    @Option(help: "What products round activations to: f32 (nothing), bf16 (with weights in bf16), stored (the type of the weights, as llama.cpp does); default: f32 for a folder, stored for a GGUF file.", transform: arithmetic(_:))
    var arithmetic: FrozenArithmetic?
    @OptionGroup(title: "Sampling") var sampling: SamplingArguments
    @OptionGroup(title: "Output") var output: OutputArguments
    @Option(help: "End before this text; may be given several times.") var stop: [String] = []
    @Option(help: "With --json: the probability of each token and of so many of the likeliest.") var logprobs: Int?
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Go on past the model's own end of text.") var ignoreEnd = false
    @Flag(help: "Print one JSON object (a line for each text).") var json = false

    func validate() throws {
        if (prompt == nil) == (promptFile == nil) { throw ValidationError("one of --prompt and --prompt-file is needed") }
        if system != nil, !chat { throw ValidationError("--system goes with --chat") }
        if logprobs != nil, !json { throw ValidationError("--logprobs goes with --json") }
        if !(1...1024).contains(count) { throw ValidationError("--n: expected 1 to 1024, found \(count)") }
    }

    func run() throws {
        try useThreads(threads)
        let text = try promptText()
        let format = try output.format()
        let clock = ContinuousClock()
        let start = clock.now
        var generator = try TextGenerator(try openModel(model, lora: lora, arithmetic))
        generator.cacheType = cacheType
        let loadSeconds = (clock.now - start) / .seconds(1)
        var options = options(generator.defaults)
        options.format = format
        options.draft = try output.draft(for: generator)
        let ids = try promptIDs(text, generator)
        try make(generator, ids, options, chat ? "" : text, loadSeconds)
    }

    private func make(
        _ generator: TextGenerator, _ ids: [Int32], _ options: GenerationOptions, _ shown: String, _ loadSeconds: Double
    ) throws {
        var waiting = shown
        try generator.generate(ids, count: count, options: options) { _, piece in
            if json { return }
            emit(waiting + piece)
            waiting = ""
        } onEnd: { result in
            if json { return print(report(result, generator.tokenizer, loadSeconds).serialized()) }
            emit(waiting + "\n")
            waiting = shown
        }
    }

    private func promptText() throws -> String {
        if let prompt { return prompt }
        return try readText(promptFile ?? "-")
    }

    private func promptIDs(_ text: String, _ generator: TextGenerator) throws -> [Int32] {
        guard chat else { return try generator.promptIDs(text) }
        if !generator.hasChatTemplate { warn("this model has no chat template: messages are joined by newlines") }
        return try generator.chatIDs((system.map { [.system($0)] } ?? []) + [.user(text)])
    }

    private func options(_ defaults: GenerationConfig) -> GenerationOptions {
        var options = GenerationOptions(
            maxTokens: maxTokens ?? defaults.maxNewTokens ?? 128, context: context, sampling: sampling.options(defaults.sampling), stops: stop,
            ignoresEnd: ignoreEnd)
        options.logprobs = logprobs
        return options
    }

    private func report(_ result: GenerationResult, _ tokenizer: Tokenizer, _ loadSeconds: Double) -> JSON {
        var report: JSON = [
            "text": .string(result.text), "ids": .array(result.ids.map { JSON($0) }),
            "prompt_ids": .array(result.promptIDs.map { JSON($0) }), "finish_reason": .string(result.finishReason.rawValue),
            "timings": timings(result.timings, loadSeconds),
        ]
        if logprobs != nil { report["logprobs"] = .array(result.logprobs.map { self.logprobs($0, tokenizer) }) }
        return report
    }

    private func timings(_ timings: GenerationTimings, _ loadSeconds: Double) -> JSON {
        var json: JSON = [
            "load_seconds": .number(loadSeconds), "prompt_tokens": JSON(timings.promptTokens),
            "prompt_seconds": .number(timings.promptSeconds), "prompt_tokens_per_second": .number(timings.promptTokensPerSecond),
            "generated_tokens": JSON(timings.generatedTokens), "generation_seconds": .number(timings.generationSeconds),
            "tokens_per_second": .number(timings.tokensPerSecond),
        ]
        if timings.draftedTokens > 0 {
            json["drafted_tokens"] = JSON(timings.draftedTokens)
            json["accepted_tokens"] = JSON(timings.acceptedTokens)
        }
        return json
    }

    private func logprobs(_ token: TokenLogprobs, _ tokenizer: Tokenizer) -> JSON {
        var json = entry(token.chosen, tokenizer)
        json["top_logprobs"] = .array(token.top.map { entry($0, tokenizer) })
        return json
    }

    private func entry(_ entry: TokenLogprobs.Entry, _ tokenizer: Tokenizer) -> JSON {
        ["id": JSON(entry.id), "token": .string(tokenizer.token(of: entry.id) ?? ""), "logprob": JSON(entry.logprob)]
    }
}
