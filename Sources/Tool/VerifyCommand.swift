import ArgumentParser
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Run known inputs through a model and compare its outputs with expected ones.",
        discussion: """
            Example:
              quintet verify ./llama --expected expected.safetensors --save ours.safetensors

            FILE holds inputs (input_ids, attention_mask, greedy_prompt) and outputs (logits, last_hidden_state, greedy). An output \
            passes when max |difference| <= 1e-4 x max |expected|; ids have to be equal. Exit status 1 means that one did not.
            """)

    @Argument(help: "A model folder in Hugging Face layout.") var model: String
    @Option(help: ArgumentHelp("The inputs and expected outputs.", valueName: "file.safetensors")) var expected: String
    @Option(help: ArgumentHelp("Write our outputs under the same names.", valueName: "out.safetensors")) var save: String?
    @Option(help: "Threads to compute with.") var threads: Int?
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try useThreads(threads)
        let folder = try openModel(model)
        let result = try Verification(try folder.transformer(), expected: expected)
        if let save { try SafetensorsWriter.write(save, result.items) }
        json ? print(report(result).serialized()) : printTable(result)
        if !result.passed { throw ExitCode(1) }
    }

    private func printTable(_ result: Verification) {
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
