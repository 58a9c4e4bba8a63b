import QuintetFiles

extension ToolFormat {
    /// Gemma's models for functions: `<start_function_call>call:NAME{key:<escape>text<escape>,other:1}<end_function_call>`.
    static let gemma = ToolFormat(
        name: "gemma", sign: "<start_function_call>", opening: "<start_function_call>", closing: "<end_function_call>",
        marks: ["<start_function_call>", "<end_function_call>", GemmaValue.escape]
    ) { text in
        let text = text.trimmed
        guard text.hasPrefix("call:"), let brace = text.firstIndex(of: "{") else { return nil }
        let name = String(text[text.index(text.startIndex, offsetBy: 5)..<brace]).trimmed
        var reader = GemmaValue(text[brace...])
        guard !name.isEmpty, let arguments = reader.value(depth: 0), arguments.object != nil, reader.isAtEnd else { return nil }
        return [ToolCall(name: name, arguments: arguments.serialized())]
    }
}

/// Reads objects whose keys have no quotes and whose texts stand between marks.
private struct GemmaValue {
    static let escape = "<escape>"
    private static let deepest = 64
    private var rest: Substring

    init(_ text: Substring) { rest = text }

    var isAtEnd: Bool { rest.allSatisfy(\.isWhitespace) }

    private mutating func take(_ text: String) -> Bool {
        rest = rest.drop(while: \.isWhitespace)
        guard rest.hasPrefix(text) else { return false }
        rest.removeFirst(text.count)
        return true
    }

    mutating func value(depth: Int) -> JSON? {
        guard depth < Self.deepest else { return Optional.none }
        if take("{") { return object(depth) }
        if take("[") { return list(depth) }
        if take(Self.escape) {
            guard let end = rest.firstRange(of: Self.escape) else { return Optional.none }
            defer { rest = rest[end.upperBound...] }
            return .string(String(rest[..<end.lowerBound]))
        }
        let word = String(rest.prefix { !",]}".contains($0) })
        rest.removeFirst(word.count)
        if word.trimmed.isEmpty { return Optional.none }
        return (try? JSON.parse(word.trimmed)) ?? .string(word.trimmed)
    }

    private mutating func object(_ depth: Int) -> JSON? {
        var members = JSONObject()
        if take("}") { return .object(members) }
        while true {
            guard let colon = rest.firstIndex(of: ":") else { return nil }
            let key = String(rest[..<colon]).trimmed
            rest = rest[rest.index(after: colon)...]
            guard !key.isEmpty, let value = value(depth: depth + 1) else { return nil }
            members[key] = value
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func list(_ depth: Int) -> JSON? {
        var items: [JSON] = []
        if take("]") { return .array(items) }
        while let item = value(depth: depth + 1) {
            items.append(item)
            if take("]") { return .array(items) }
            guard take(",") else { return nil }
        }
        return nil
    }
}
