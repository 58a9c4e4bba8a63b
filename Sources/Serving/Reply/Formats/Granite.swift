extension ToolFormat {
    /// Granite 3: `<|tool_call|>[{"name": ..., "arguments": ...}]` to the end.
    static let granite = ToolFormat(
        name: "granite", sign: "<|tool_call|>", opening: "<|tool_call|>", marks: ["<|tool_call|>"]
    ) { ToolCall.list($0.trimmed) }
}
