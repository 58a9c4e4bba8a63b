import ArgumentParser
import QuintetFiles
import QuintetModels
import QuintetTensors
import QuintetTraining

struct BenchTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Time training steps of a preset on random tokens.",
        discussion: """
            Example:
              quintet bench train --preset gpt2-124m --batch 4 --sequence 64 --json
              quintet bench train --preset llama-110m --lora 16 --sequence 256
              quintet bench train --preset llama-1.1b --lora 16 --quantize q4_0 \\
                  --batch 1 --sequence 256
            """)

    @Option(help: ArgumentHelp("The model's size.", discussion: Preset.all.map(\.name).joined(separator: ", ")))
    var preset = "gpt2-124m"
    @Option(help: "Sequences in a step; the preset's own by default.")
    var batch: Int?
    @Option(help: "Tokens in a sequence; the preset's own by default.")
    var sequence: Int?
    @Option(help: "Threads; all processors by default.")
    var threads: Int?
    @Option(help: "Timed steps, after two to warm up; the median counts.")
    var steps = 5
    @Option(help: "What the backward pass computes again: none, activations or block.")
    var recompute = "none"
    @Flag(help: "Keep the matrices in bf16, with f32 masters; with --lora: round what meets the frozen matrices to bf16.")
    var bf16 = false
    @Option(help: ArgumentHelp("Train an adapter of this rank on all linear maps; the model stays as it is.", valueName: "rank"))
    var lora: Int?
    @Option(help: ArgumentHelp("With --lora: what the model's matrices are stored in.", discussion: GGUFQuantization.made.map(\.rawValue).joined(separator: ", ")))
    var quantize = "f32"
    @Option(help: "Steps in which every kernel call is timed as well; prints where the time goes.")
    var profile = 0
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        for (name, value) in [("batch", batch), ("sequence", sequence), ("threads", threads), ("steps", steps), ("lora", lora)] {
            guard let value else { continue }
            guard (1...1_000_000).contains(value) else { throw ValidationError("--\(name): expected 1 to 1000000, found \(value)") }
        }
        guard (0...1000).contains(profile) else { throw ValidationError("--profile: expected 0 to 1000 steps, found \(profile)") }
        if lora == nil, quantize != "f32" { throw ValidationError("--quantize: goes with --lora, found \(quantize)") }
        _ = try (stored, level)
    }

    private var stored: GGUFQuantization { get throws { try choice("quantize", quantize, of: GGUFQuantization.made) } }
    private var level: Recompute { get throws { try choice("recompute", recompute) } }

    func run() throws {
        var benchmark = TrainBenchmark(
            preset: try Preset.named(preset), batch: batch, sequence: sequence, threads: threads ?? Threads.count)
        benchmark.steps = steps
        benchmark.recompute = try level
        benchmark.profiledSteps = profile
        benchmark.matrixDType = bf16 ? .bf16 : .f32
        benchmark.adapter = lora.map { AdapterConfig(rank: $0, alpha: 2 * Double($0)) }
        benchmark.stored = try stored
        let report = try benchmark.run()
        print(json ? report.json.serialized() : [report.summary, report.table].compactMap { $0 }.joined(separator: "\n"))
    }
}
