import ArgumentParser
import QuintetCheckpoints
import QuintetFiles
import QuintetModels

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Tell what is in a model folder or a weights file.",
        discussion: """
            Example:
              quintet inspect ./llama
              quintet inspect ./llama/model.safetensors --tensors
            """)

    @Argument(help: "A model folder in Hugging Face layout, or a .safetensors file.") var path: String
    @Flag(help: "List every tensor of a file.") var tensors = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let report = Folder.isFolder(path) ? ModelSummary(try openModel(path)).json : FileSummary(try SafetensorsFile.open(path), tensors: tensors).json
        if json { return print(report.serialized()) }
        for line in lines(report, indent: "") { print(line) }
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
