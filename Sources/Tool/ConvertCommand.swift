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

            OUT ends in .gguf or is a folder, which is written in Hugging Face layout. Without --quantize (or with none) types stay as they \
            are; block types become f32 in a folder. A tensor whose rows are no whole number of blocks is stored in the next type that fits; \
            such tensors are counted and named.
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .gguf file.") var model: String
    @Argument(help: "What to write: a file that ends in .gguf, or a folder.") var out: String
    @Option(help: "Types to store: \(GGUFQuantization.allCases.map(\.rawValue).joined(separator: ", ")).") var quantize: String = "none"
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try useThreads(threads)
        guard let quantization = GGUFQuantization(rawValue: quantize.lowercased()) else {
            throw ValidationError("--quantize: expected \(GGUFQuantization.allCases.map(\.rawValue).joined(separator: ", ")), found \(quantize)")
        }
        var bar: ProgressBar?
        let report = try ModelConversion(model, quantization).write(to: out) { done, total in
            if bar == nil { bar = ProgressBar(label: "convert", total: total, unit: "bytes", quiet: json) }
            bar?.update(done)
        }
        bar?.clear()
        for warning in report.warnings { warn(warning) }
        json ? print(report.json.serialized()) : printTable(report)
    }

    private func printTable(_ report: ModelConversion.Report) {
        print("\(report.path): \(grouped(report.bytes)) bytes")
        for row in report.types { print("  \(row.name): \(row.tensors) tensors, \(grouped(row.bytes)) bytes") }
        guard !report.replaced.isEmpty else { return }
        print("\(report.replaced.count) tensors have rows that are no whole number of blocks and are stored in the next type that fits:")
        for row in report.replaced { print("  \(row.name): \(row.wanted) -> \(row.type)") }
    }
}
