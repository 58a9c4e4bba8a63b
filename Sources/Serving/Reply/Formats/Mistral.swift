extension ToolFormat {
    /// Mistral: `[TOOL_CALLS][{"name": ..., "arguments": ...}]`, later `[TOOL_CALLS]NAME[ARGS]{...}`.
    static let mistral = ToolFormat(
        name: "mistral", sign: "[TOOL_CALLS]", opening: "[TOOL_CALLS]", marks: ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"]
    ) { text in
        if let calls = ToolCall.list(text.trimmed) { return calls }
        var calls: [ToolCall] = []
        for part in text.split(separator: "[TOOL_CALLS]") {
            guard let mark = part.firstRange(of: "[ARGS]") ?? part.firstIndex(of: "{").map({ $0..<$0 }) else { return nil }
            let name = String(part[..<mark.lowerBound]).split(separator: "[CALL_ID]").first.map { String($0).trimmed } ?? ""
            let arguments = String(part[mark.upperBound...]).trimmed
            guard !name.isEmpty, isObject(arguments) else { return nil }
            calls.append(ToolCall(name: name, arguments: arguments))
        }
        return calls.isEmpty ? nil : calls
    }
}
