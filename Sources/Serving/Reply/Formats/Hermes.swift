import QuintetFiles

extension ToolFormat {
    /// Hermes, Qwen, SmolLM3, GLM: `<tool_call>{"name": ..., "arguments": ...}</tool_call>`; Qwen3-Coder and GLM write the arguments as tags.
    static let hermes = ToolFormat(
        name: "hermes", sign: "<tool_call>", opening: "<tool_call>", closing: "</tool_call>", marks: ["<tool_call>", "</tool_call>"]
    ) { text in
        ToolCall.list(text.trimmed) ?? TaggedCall.qwen(text) ?? TaggedCall.glm(text)
    }
}

/// Calls whose arguments stand between tags.
private enum TaggedCall {
    /// `<function=NAME><parameter=P>value</parameter></function>`.
    static func qwen(_ text: String) -> [ToolCall]? {
        guard let start = text.firstRange(of: "<function="), let nameEnd = text[start.upperBound...].firstIndex(of: ">") else { return nil }
        let name = String(text[start.upperBound..<nameEnd]).trimmed
        var arguments = JSONObject()
        var rest = text[text.index(after: nameEnd)...]
        while let open = rest.firstRange(of: "<parameter="), let end = rest[open.upperBound...].firstIndex(of: ">") {
            let value = rest[rest.index(after: end)...]
            guard let close = value.firstRange(of: "</parameter>") else { return nil }
            arguments[String(rest[open.upperBound..<end]).trimmed] = json(String(value[..<close.lowerBound]).trimmed)
            rest = value[close.upperBound...]
        }
        return name.isEmpty ? nil : [ToolCall(name: name, arguments: JSON.object(arguments).serialized())]
    }

    /// `NAME\n<arg_key>P</arg_key><arg_value>value</arg_value>`.
    static func glm(_ text: String) -> [ToolCall]? {
        let head = text.firstRange(of: "<arg_key>")?.lowerBound ?? text.endIndex
        let name = String(text[..<head]).trimmed
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 32 && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "<") }) else { return nil }
        var arguments = JSONObject()
        var rest = text[head...]
        while let open = rest.firstRange(of: "<arg_key>"), let close = rest.firstRange(of: "</arg_key>"), open.upperBound <= close.lowerBound {
            let key = String(rest[open.upperBound..<close.lowerBound]).trimmed
            let tail = rest[close.upperBound...]
            guard let from = tail.firstRange(of: "<arg_value>"), let to = tail.firstRange(of: "</arg_value>"), from.upperBound <= to.lowerBound else { return nil }
            arguments[key] = json(String(tail[from.upperBound..<to.lowerBound]).trimmed)
            rest = tail[to.upperBound...]
        }
        return [ToolCall(name: name, arguments: JSON.object(arguments).serialized())]
    }

    /// A value as it stands: a number, list or object where it reads as one, else the text.
    private static func json(_ text: String) -> JSON {
        if let json = try? JSON.parse(text), json.string == nil { return json }
        return .string(text)
    }
}
