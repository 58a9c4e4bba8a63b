extension ToolFormat {
    /// DeepSeek V3, R1 and V3.1: `<｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME` with fenced JSON, later `NAME<｜tool▁sep｜>{...}`.
    static let deepSeek = ToolFormat(
        name: "deepseek", sign: "<｜tool▁calls▁begin｜>", opening: "<｜tool▁calls▁begin｜>", closing: "<｜tool▁calls▁end｜>",
        marks: ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", begin, separator, "<｜tool▁call▁end｜>"]
    ) { text in
        var calls: [ToolCall] = []
        for part in text.split(separator: begin) where !String(part).trimmed.isEmpty {
            let body = String(part).split(separator: "<｜tool▁call▁end｜>").first.map(String.init) ?? ""
            guard let mark = body.firstRange(of: separator) else { return nil }
            let (before, after) = (String(body[..<mark.lowerBound]).trimmed, String(body[mark.upperBound...]).trimmed)
            let isFenced = before == "function"
            let lines = after.split(separator: "\n", maxSplits: 1).map(String.init)
            let name = isFenced ? lines.first?.trimmed ?? "" : before
            var arguments = isFenced ? lines.last ?? "" : after
            for fence in ["```json", "```"] { arguments = arguments.replacing(fence, with: "") }
            guard !name.isEmpty, isObject(arguments.trimmed) else { return nil }
            calls.append(ToolCall(name: name, arguments: arguments.trimmed))
        }
        return calls.isEmpty ? nil : calls
    }

    private static let begin = "<｜tool▁call▁begin｜>"
    private static let separator = "<｜tool▁sep｜>"
}
