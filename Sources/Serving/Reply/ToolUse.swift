import QuintetFiles
import QuintetGeneration

/// The functions a request offers, and whether one has to be called.
struct ToolUse: Sendable {
    enum Choice: Sendable, Equatable {
        case none, auto, required
        case function(String)
    }

    /// As OpenAI writes them: `{"type": "function", "function": {"name", "description", "parameters"}}`.
    let tools: [JSON]
    let choice: Choice
    let isOneCall: Bool
    private static let most = 256

    init(_ tools: [JSON], _ choice: Choice, isOneCall: Bool) {
        self.tools = tools
        self.choice = choice
        self.isOneCall = isOneCall
    }

    /// Reads OpenAI's `tools`, `tool_choice` and `parallel_tool_calls`.
    init(_ fields: Fields) throws(APIError) {
        let list = try fields.list("tools") ?? []
        guard list.count <= Self.most else { throw .invalid("'tools' has \(list.count) functions; at most \(Self.most) are taken.", param: "tools") }
        for (index, json) in list.enumerated() {
            let tool = try Fields(json, "tools[\(index)]")
            guard try tool.string("type") == "function", let function = tool["function"] else { throw tool.wrong("type", "\"function\" with a 'function' beside it") }
            try Self.check(try Fields(function, "tools[\(index)].function"), parameters: "parameters")
        }
        self.init(list, try Self.choice(fields, list), isOneCall: try fields.flag("parallel_tool_calls") == false)
    }

    /// A function needs a name, and a schema if it has parameters.
    static func check(_ function: Fields, parameters: String) throws(APIError) {
        guard let name = try function.string("name"), (1...256).contains(name.utf8.count) else { throw function.wrong("name", "a name") }
        _ = try function.string("description")
        _ = try function.flag("strict")
        if let schema = function[parameters], schema.object == nil { throw function.wrong(parameters, "a JSON schema") }
    }

    private static func choice(_ fields: Fields, _ tools: [JSON]) throws(APIError) -> Choice {
        guard let value = fields["tool_choice"] else { return tools.isEmpty ? .none : .auto }
        switch value.string {
        case "none": return .none
        case "auto": return tools.isEmpty ? .none : .auto
        case "required" where !tools.isEmpty: return .required
        default: break
        }
        guard let name = value["function"]?["name"]?.string, tools.contains(where: { $0["function"]?["name"]?.string == name }) else {
            throw fields.wrong("tool_choice", "\"none\", \"auto\", \"required\", or a function of 'tools'")
        }
        return .function(name)
    }

    /// Those the model is told of; nil for none.
    var offered: [JSON]? { choice == .none || tools.isEmpty ? nil : tools }

    /// What the text has to look like where a function has to be called.
    var format: FormatSource? {
        switch choice {
        case .none, .auto: nil
        case .function(let name): tools.first { $0["function"]?["name"]?.string == name }.map { .schema(Self.parameters($0, at: "#")) }
        case .required:
            .schema([
                "type": "array", "minItems": 1, "maxItems": JSON(isOneCall ? 1 : 16),
                "items": ["anyOf": .array(tools.enumerated().map { Self.call($1, at: "#/items/anyOf/\($0)/properties/parameters") })],
            ])
        }
    }

    private static func call(_ tool: JSON, at path: String) -> JSON {
        [
            "type": "object",
            "properties": ["name": ["const": tool["function"]?["name"] ?? ""], "parameters": parameters(tool, at: path)],
            "required": ["name", "parameters"], "additionalProperties": false,
        ]
    }

    /// The schema of a function's arguments; references within it lead to where it stands.
    private static func parameters(_ tool: JSON, at path: String) -> JSON {
        moved(tool["function"]?["parameters"] ?? ["type": "object", "properties": [:], "additionalProperties": false], to: path)
    }

    private static func moved(_ schema: JSON, to path: String) -> JSON {
        if let list = schema.array { return .array(list.map { moved($0, to: path) }) }
        guard let members = schema.object else { return schema }
        var out = JSONObject()
        for (key, value) in members {
            if key == "$ref", let target = value.string, target.hasPrefix("#") {
                out[key] = .string(path + target.dropFirst())
            } else {
                out[key] = moved(value, to: path)
            }
        }
        return .object(out)
    }

    /// How the answer is read.
    func calls(_ format: ToolFormat) -> ReplyStyle.Calls {
        switch choice {
        case .none: .none
        case .auto: tools.isEmpty ? .none : .marked(format)
        case .function(let name): .arguments(of: name)
        case .required: .list
        }
    }

    /// What a model is told whose template has no place for functions.
    var description: String {
        """
        You may call functions. They are described here, one JSON object a line:
        \(tools.map { ($0["function"] ?? .null).serialized() }.joined(separator: "\n"))
        To call one, write exactly this and nothing after it:
        <tool_call>{"name": "the function's name", "arguments": {its arguments}}</tool_call>
        """
    }
}
