import ArgumentParser
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare a model's outputs with expected ones, or with another model's.",
        discussion: """
            Example:
              quintet verify ./llama --expected expected.safetensors \\
                  --save ours.safetensors
              quintet verify ./llama llama-q8.gguf
              quintet verify ./llama --lora ./adapter ./merged

            FILE holds inputs (input_ids, attention_mask, greedy_prompt) and outputs (logits, last_hidden_state, greedy). An output \
            passes when max |difference| <= 1e-4 x max |expected|; ids have to be equal. Exit status 1 means that one did not.

            Two models (or two exports of one) read the same prompts, or the text of --text in windows: reported are how far their \
            distributions are apart, the perplexity of the text under each, and after how many greedy tokens they differ.
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .gguf file.") var model: String
    @Argument(help: "Another model or export to compare with.") var other: String?
    @Option(help: ArgumentHelp("The inputs and expected outputs.", valueName: "file.safetensors")) var expected: String?
    @Option(name: [.customLong("adapter"), .customLong("lora")], help: ArgumentHelp("An adapter to apply to the (first) model: a folder of PEFT's, or a GGUF file of one; may be given several times.", valueName: "adapter[=weight]"))
    var lora: [String] = []
    @Option(help: ArgumentHelp("A text to compare two models on (default: a few short prompts).", valueName: "file")) var text: String?
    @Option(help: "Tokens of the text to read at once.") var window = 512
    @Option(help: "Tokens of the text to read in all.") var tokens = 1 << 20
    @Option(help: ArgumentHelp("Write our outputs under the same names.", valueName: "out.safetensors")) var save: String?
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try useThreads(threads)
        switch (other, expected) {
        case (let other?, nil): try compare(other)
        case (nil, let expected?): try verify(expected)
        default: throw ValidationError("give another model to compare with, or --expected")
        }
    }

    private func compare(_ other: String) throws {
        let texts = try text.map { [String(decoding: try readFile($0, limit: 1 << 28), as: UTF8.self)] } ?? ModelComparison.prompts
        let bar = ProgressBar(label: "verify", total: nil, unit: "tokens", quiet: json)
        let result = try ModelComparison(try openModel(model, lora: lora), try openModel(other), texts: texts, window: window, limit: tokens) { done, _ in bar.update(done) }
        bar.clear()
        if json { return print(result.json.serialized()) }
        print("positions \(result.positions), same likeliest token at \(round(result.sameTop * 1e4) / 100) %")
        print("log-probabilities: max |difference| \(result.maxDifference)")
        print("KL divergence: mean \(result.meanDivergence), max \(result.maxDivergence)")
        print("perplexity: \(result.perplexities.first) and \(result.perplexities.second)")
        let apart = result.firstApart.map { $0.map { "\($0)" } ?? "none" }.joined(separator: ", ")
        print("first greedy token apart (of \(result.greedyTokens), a prompt each): \(apart)")
    }

    private func verify(_ expected: String) throws {
        let folder = try openModel(model, lora: lora)
        let result = try Verification(try folder.transformer(.packed(.exact), precision: folder.exactPrecision), expected: expected)
        if let save { try SafetensorsWriter.write(save, result.items) }
        json ? print(report(result).serialized()) : printTable(result, expected)
        if !result.passed { throw ExitCode(1) }
    }

    private func printTable(_ result: Verification, _ expected: String) {
        for output in result.outputs {
            let verdict = output.passed ? "pass" : "FAIL"
            let place = output.firstDifference.map { ", first at index \($0)" } ?? ""
            print("\(verdict)  \(output.name) \(output.shape)  max |difference| \(output.maxDifference), max |expected| \(output.maxReference)\(place)")
        }
        if result.outputs.isEmpty { print("nothing to compare: \(expected) holds inputs alone") }
    }

    private func report(_ result: Verification) -> JSON {
        let outputs = result.outputs.map { output -> JSON in
            [
                "name": .string(output.name), "shape": .array(output.shape.map { JSON($0) }),
                "max_difference": .number(output.maxDifference), "max_expected": .number(output.maxReference),
                "passed": .bool(output.passed), "first_difference": output.firstDifference.map { JSON($0) } ?? .null,
            ]
        }
        return ["passed": .bool(result.passed), "tolerance": .number(Verification.tolerance), "outputs": .array(outputs)]
    }
}
