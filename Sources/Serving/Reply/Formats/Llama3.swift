extension ToolFormat {
    /// Llama 3.1 and later: `{"name": ..., "parameters": ...}`, alone or after `<|python_tag|>`; several are parted by semicolons.
    static let llama3 = ToolFormat(
        name: "llama3", sign: "<|python_tag|>", opening: "<|python_tag|>", marks: ["<|python_tag|>"], mayBeBare: true
    ) { text in
        if let calls = ToolCall.list(text.trimmed) { return calls }
        let calls = text.split(separator: ";").map { ToolCall.list(String($0).trimmed) }
        return calls.contains { $0 == nil } ? nil : calls.compactMap { $0 }.flatMap { $0 }
    }
}
