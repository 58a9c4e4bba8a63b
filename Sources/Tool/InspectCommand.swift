import ArgumentParser
import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Tell what is in a model folder or a weights file.",
        discussion: """
            Example:
              quintet inspect ./llama --context 8192
              quintet inspect ./llama-q4.gguf --tensors

            A model: architecture, parameters, types and bytes by role, memory for a context, tokenizer, template, licence, lineage. A weights \
            file of an architecture that is not supported, or with --tensors: its metadata and tensors.
            """)

    @Argument(help: "A model folder in Hugging Face layout, a .gguf, .safetensors or PyTorch (.bin, .pt, .pth) file.") var path: String
    @Option(help: "Tokens that the memory is counted for (default: what the model was made for).") var context: Int?
    @Flag(help: "List every tensor of a file.") var tensors = false
    @Flag(help: "Read every tensor of a .gguf file and fail where a number is not finite, or where bytes belong to no tensor.") var checkTensors = false
    @Flag(help: "Fail where bytes of a .gguf file belong to no tensor, which else is a warning.") var strict = false
    @Flag(help: "List every tensor with the SHA-256 of its bytes in row-major order.") var digests = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        if let context, context < 1 { throw ValidationError("--context: expected 1 or more, found \(context)") }
        let report = try self.report()
        if json { return print(report.serialized()) }
        for line in lines(report, indent: "") { print(line) }
    }

    private func report() throws -> JSON {
        if Folder.isFolder(path) { return try ModelReport(try openModel(path), context: context).json }
        guard GGUFFile.isGGUF(path) || GGUFFile.isName(path) else { return try FileSummary(WeightFolder.file(path), tensors: tensors, digests: digests).json }
        let file = try GGUFFile.open(path)
        if checkTensors { try file.checkTensors() }
        if strict || checkTensors, let warning = file.warnings.first { throw FileError(warning, path: path, field: "tensors") }
        let isModel = (try? GGUFArchitectures.of(file)) != nil && !file.tensors.isEmpty && file["general.type"] != .string("adapter")
        return tensors || !isModel ? try FileSummary(file, tensors: tensors, digests: digests).json : try ModelReport(try openModel(path), context: context).json
    }

    /// JSON as indented lines: `name: value`, lists one element a line.
    private func lines(_ json: JSON, indent: String) -> [String] {
        switch json {
        case .object(let members):
            members.flatMap { key, value -> [String] in
                let inner = lines(value, indent: indent + "  ")
                return isLeaf(value) ? ["\(indent)\(key): \(inner.first ?? "none")"] : ["\(indent)\(key):"] + inner
            }
        case .array(let values):
            values.allSatisfy(isLeaf)
                ? [indent + values.flatMap { lines($0, indent: "") }.joined(separator: ", ")]
                : values.flatMap { [indent + "-"] + lines($0, indent: indent + "  ") }
        case .string(let text): [text]
        case .integer(let value): [grouped(Int(value))]
        case .null: ["none"]
        default: [json.serialized()]
        }
    }

    private func isLeaf(_ json: JSON) -> Bool {
        switch json {
        case .object: false
        case .array(let values): values.isEmpty
        default: true
        }
    }
}
