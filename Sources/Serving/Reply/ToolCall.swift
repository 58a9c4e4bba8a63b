import QuintetFiles

/// A function that a model wants called.
struct ToolCall: Sendable, Equatable {
    var id: String
    var name: String
    /// A JSON object as text, as OpenAI's clients expect it.
    var arguments: String

    init(name: String, arguments: String) {
        id = "call_" + randomName()
        self.name = name
        self.arguments = arguments
    }

    /// `{"name", "arguments"}` as most families write it; some say `parameters`, some put the object into a string.
    init?(_ json: JSON) {
        guard let name = json["name"]?.string, !name.isEmpty, let arguments = json["arguments"] ?? json["parameters"] ?? Optional([:]) else { return nil }
        guard arguments.object != nil || arguments.string != nil else { return nil }
        self.init(name: name, arguments: arguments.string ?? arguments.serialized())
    }

    /// One call or a list of them.
    static func list(_ text: some StringProtocol) -> [ToolCall]? {
        guard let json = try? JSON.parse(String(text)) else { return nil }
        let parts = json.array ?? [json]
        let calls = parts.compactMap { ToolCall($0) }
        return calls.count == parts.count && !calls.isEmpty ? calls : nil
    }

    /// `{"id", "type", "function": {"name", "arguments"}}`.
    var json: JSON { ["id": .string(id), "type": "function", "function": ["name": .string(name), "arguments": .string(arguments)]] }
}

/// A name that no other has: for ids of calls and requests.
func randomName() -> String {
    String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
}
