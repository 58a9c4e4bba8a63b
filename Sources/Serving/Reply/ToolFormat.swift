/// How a family writes that it wants a function called.
struct ToolFormat: Sendable {
    let name: String
    /// What a chat template of such a model contains.
    let sign: String
    /// What a call, or a list of them, stands between; without an end it reaches to the end of the text.
    let opening: String
    var closing: String?
    /// Special tokens within, whose text a decoder leaves out and the parser needs.
    var marks: [String] = []
    /// Whether an answer that begins with `{` may be a call without any mark.
    var mayBeBare = false
    /// The calls within what stands there; nil where it is something else.
    let calls: @Sendable (String) -> [ToolCall]?

    /// Looked at in this order.
    static let all: [ToolFormat] = [.harmony, .gemma, .deepSeek, .mistral, .phi, .granite, .llama3, .hermes]

    /// The format of a chat template; where none shows, the one that most models were shown.
    static func of(template: String) -> ToolFormat { all.first { template.contains($0.sign) } ?? .hermes }
}
