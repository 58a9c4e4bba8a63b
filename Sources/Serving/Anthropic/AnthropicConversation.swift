import QuintetFiles
import QuintetGeneration

/// Anthropic's words for what OpenAI's say: blocks in messages, the system prompt beside them, tools with `input_schema`.
enum AnthropicConversation {
    static func conversation(_ fields: Fields) throws(APIError) -> Conversation {
        var messages: [JSON] = []
        if fields["system"] != nil { messages.append(["role": "system", "content": .string(try Conversation.text(fields, "system"))]) }
        for message in try Conversation.list(fields) {
            guard let role = try message.string("role"), role == "user" || role == "assistant" else { throw message.wrong("role", "\"user\" or \"assistant\"") }
            messages += try Self.messages(message, role)
        }
        var conversation = Conversation(messages)
        // An answer that has begun is gone on with.
        if let last = messages.last, last["role"]?.string == "assistant", last["tool_calls"] == nil { conversation.ending = .lastMessage }
        return conversation
    }

    /// A message of blocks is several of ours: results of functions come before what the user says.
    private static func messages(_ message: Fields, _ role: String) throws(APIError) -> [JSON] {
        if let text = message["content"]?.string { return [["role": .string(role), "content": .string(text)]] }
        guard let blocks = message["content"]?.array else { throw message.wrong("content", "a text or a list of blocks") }
        var (text, thoughts): (String, String) = ("", "")
        var (calls, results): ([JSON], [JSON]) = ([], [])
        for (index, json) in blocks.enumerated() {
            let block = try Fields(json, "\(message.name("content"))[\(index)]")
            switch try block.string("type") {
            case "text": text += try block.string("text") ?? ""
            case "thinking": thoughts += try block.string("thinking") ?? ""
            case "redacted_thinking": break
            case "tool_use" where role == "assistant": calls.append(try call(block))
            case "tool_result" where role == "user":
                results.append([
                    "role": "tool", "tool_call_id": .string(try block.string("tool_use_id") ?? ""), "content": .string(try Conversation.text(block, "content")),
                ])
            default: throw block.wrong("type", "\"text\", \"tool_use\" or \"tool_result\": this model reads text only, and nothing is fetched")
            }
        }
        var own: JSON = ["role": .string(role), "content": .string(text)]
        if !calls.isEmpty { own["tool_calls"] = .array(calls) }
        if !thoughts.isEmpty { own["reasoning_content"] = .string(thoughts) }
        return results + (text.isEmpty && calls.isEmpty && !results.isEmpty ? [] : [own])
    }

    private static func call(_ block: Fields) throws(APIError) -> JSON {
        guard let name = try block.string("name") else { throw block.wrong("name", "a name") }
        return [
            "id": .string(try block.string("id") ?? ""), "type": "function",
            "function": ["name": .string(name), "arguments": block["input"] ?? [:]],
        ]
    }

    static func tools(_ fields: Fields) throws(APIError) -> ToolUse {
        var tools: [JSON] = []
        for (index, json) in (try fields.list("tools") ?? []).enumerated() {
            let tool = try Fields(json, "tools[\(index)]")
            try ToolUse.check(tool, parameters: "input_schema")
            var function: JSON = ["name": tool["name"] ?? "", "parameters": tool["input_schema"] ?? ["type": "object"]]
            if let description = tool["description"] { function["description"] = description }
            tools.append(["type": "function", "function": function])
        }
        let wanted = fields["tool_choice"]
        let isOneCall = try wanted.map { json throws(APIError) in try Fields(json, "tool_choice").flag("disable_parallel_tool_use") ?? false } ?? false
        return ToolUse(tools, try choice(fields, wanted, tools), isOneCall: isOneCall)
    }

    private static func choice(_ fields: Fields, _ wanted: JSON?, _ tools: [JSON]) throws(APIError) -> ToolUse.Choice {
        switch wanted?["type"]?.string ?? (wanted == nil ? "auto" : "") {
        case "auto": return tools.isEmpty ? .none : .auto
        case "none": return .none
        case "any" where !tools.isEmpty: return .required
        case "tool":
            if let name = wanted?["name"]?.string, tools.contains(where: { $0["function"]?["name"]?.string == name }) { return .function(name) }
        default: break
        }
        throw fields.wrong("tool_choice", "an object whose 'type' is \"auto\", \"any\", \"none\", or \"tool\" with a name of 'tools'")
    }
}
