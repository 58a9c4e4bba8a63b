import ArgumentParser
import QuintetFiles
import QuintetModels
import QuintetTensors
import QuintetTraining

struct BenchModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Time reading a prompt and writing a continuation.",
        discussion: """
            Example:
              quintet bench model ./stories --prompt 512 --generate 128 --threads 2 --json
              quintet bench model --preset llama-110m --quantize q4_k_m

            share_of_limit is what writing reads per second (weights as stored and cache) over the machine's streaming reads.
            """)

    @Argument(help: "A model folder in Hugging Face layout.")
    var model: String?
    @Option(help: ArgumentHelp("A preset with random weights, in place of a folder.", discussion: Preset.all.map(\.name).joined(separator: ", ")))
    var preset: String?
    @Option(help: ArgumentHelp("What a preset's matrices are stored in.", discussion: GGUFQuantization.made.map(\.rawValue).joined(separator: ", ")))
    var quantize = "f32"
    @Option(help: "What the cache holds: f32, f16 or q8_0.", transform: cacheType(_:))
    var cacheType = CacheType.f16
    @Option(help: "What products round activations to: f32 (nothing), bf16 (with weights in bf16), stored (the type of the weights, as llama.cpp does); default: f32 for a folder, stored for a GGUF file.", transform: arithmetic(_:))
    var arithmetic: FrozenArithmetic?
    @Option(help: "Tokens of the prompt.")
    var prompt = 512
    @Option(help: "Tokens to write.")
    var generate = 128
    @Option(help: "Threads; all processors by default.")
    var threads: Int?
    @Option(help: "Timed runs, after one to warm up; medians count.")
    var runs = 3
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (model == nil) != (preset == nil) else { throw ValidationError("give a model folder or --preset, one of them") }
        guard GGUFQuantization.made.contains(where: { $0.rawValue == quantize }) else {
            throw ValidationError("--quantize: expected one of \(GGUFQuantization.made.map(\.rawValue).joined(separator: ", ")), found \(quantize)")
        }
        guard model == nil || quantize == "f32" else { throw ValidationError("--quantize goes with --preset; a model is measured as it is stored") }
        for (name, value) in [("prompt", prompt), ("generate", generate), ("runs", runs), ("threads", threads ?? 1)] {
            guard (1...1_000_000).contains(value) else { throw ValidationError("--\(name): expected 1 to 1000000, found \(value)") }
        }
    }

    func run() throws {
        var benchmark = ModelBenchmark(threads: threads ?? Threads.count)
        benchmark.promptTokens = prompt
        benchmark.generatedTokens = generate
        benchmark.runs = runs
        benchmark.cacheType = cacheType
        benchmark.arithmetic = arithmetic
        let quantization = GGUFQuantization(rawValue: quantize) ?? .f32
        let report = try model.map { try benchmark.run(folder: $0) } ?? benchmark.run(preset: try Preset.named(preset ?? ""), quantization: quantization)
        print(json ? report.json.serialized() : report.summary)
    }
}
