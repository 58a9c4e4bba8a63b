import ArgumentParser
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Write a model in another format or in other types.",
        discussion: """
            Example:
              quintet convert ./llama llama-q4.gguf --quantize q4_k_m
              quintet convert llama-q4.gguf ./llama-again
              quintet convert ./llama merged.gguf --quantize q4_k_m --merge ./adapter --merge ./style=0.5
              quintet convert ./llama adapter.gguf --lora ./adapter

            OUT ends in .gguf or is a folder, which is written in Hugging Face layout. Without --quantize (or with none) types stay as they \
            are; block types become f32 in a folder. A tensor whose rows are no whole number of blocks is stored in the next type that fits; \
            such tensors are counted and named. --merge adds adapters to the weights, in f32, before they get their type; with --lora the \
            adapter itself is what is written: a GGUF file for llama.cpp, or a folder for PEFT.
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .gguf file.") var model: String
    @Argument(help: "What to write: a file that ends in .gguf, or a folder.") var out: String
    @Option(help: "Types to store: \(GGUFQuantization.allCases.map(\.rawValue).joined(separator: ", ")).") var quantize: String = "none"
    @Option(help: ArgumentHelp("An adapter to merge into the weights; may be given several times.", valueName: "adapter[=weight]"))
    var merge: [String] = []
    @Option(help: ArgumentHelp("Write this adapter instead of the model.", valueName: "adapter")) var lora: String?
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try useThreads(threads)
        let quantization: GGUFQuantization = try choice("quantize", quantize.lowercased())
        let adapters = merge.map { AdapterChoice(parsing: $0) }
        if let lora { return try convertAdapter(lora, quantization) }
        var bar: ProgressBar?
        let report = try ModelConversion(model, quantization, merging: adapters).write(to: out) { done, total in
            if bar == nil { bar = ProgressBar(label: "convert", total: total, unit: "bytes", quiet: json) }
            bar?.update(done)
        }
        bar?.clear()
        for warning in report.warnings { warn(warning) }
        json ? print(report.json.serialized()) : printTable(report)
    }

    private func convertAdapter(_ lora: String, _ quantization: GGUFQuantization) throws {
        guard merge.isEmpty else { throw ValidationError("--lora writes an adapter by itself; --merge writes a model with it") }
        guard let type = [.none: DType.f32, .f32: .f32, .f16: .f16][quantization] else {
            throw ValidationError("--quantize: an adapter is stored in f32 or f16, found \(quantize)")
        }
        let report = try AdapterConversion(model, lora).write(to: out, as: type)
        json ? print(report.json.serialized()) : print("\(out): \(report.modules) modules, \(grouped(report.parameters)) parameters")
    }

    private func printTable(_ report: ModelConversion.Report) {
        print("\(report.path): \(grouped(report.bytes)) bytes")
        for row in report.types { print("  \(row.name): \(row.tensors) tensors, \(grouped(row.bytes)) bytes") }
        guard !report.replaced.isEmpty else { return }
        print("\(report.replaced.count) tensors have rows that are no whole number of blocks and are stored in the next type that fits:")
        for row in report.replaced { print("  \(row.name): \(row.wanted) -> \(row.type)") }
    }
}
