extension ToolFormat {
    /// Phi-4-mini: `<|tool_call|>[{"name": ..., "arguments": ...}]<|/tool_call|>`.
    static let phi = ToolFormat(
        name: "phi", sign: "<|/tool_call|>", opening: "<|tool_call|>", closing: "<|/tool_call|>", marks: ["<|tool_call|>", "<|/tool_call|>"]
    ) { ToolCall.list($0.trimmed) }
}
