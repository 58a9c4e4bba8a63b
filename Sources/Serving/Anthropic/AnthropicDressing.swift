import QuintetFiles
import QuintetGeneration

/// Anthropic's answers: a message of blocks, or the events that build it.
struct AnthropicDressing: Dressing {
    private enum Block { case text, thought, call }

    let id: String
    let model: String
    /// The block that is open, and how many there were before it.
    private var open: Block?
    private var blocks = 0

    init(id: String, model: String) {
        self.id = id
        self.model = model
    }

    mutating func opening(_ index: Int, _ usage: Usage) -> [ServerEvent] { [event("message_start", ["message": message([], nil, usage)])] }

    mutating func pieces(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int) -> [ServerEvent] {
        pieces.flatMap { piece -> [ServerEvent] in
            switch piece {
            case .text(let text): change(to: .text, ["type": "text", "text": ""]) + [delta(["type": "text_delta", "text": .string(text)])]
            case .thought(let text):
                change(to: .thought, ["type": "thinking", "thinking": "", "signature": ""]) + [delta(["type": "thinking_delta", "thinking": .string(text)])]
            case .call(let call):
                close() + change(to: .call, ["type": "tool_use", "id": .string(call.id), "name": .string(call.name), "input": [:]])
                    + (call.arguments.isEmpty ? [] : [delta(["type": "input_json_delta", "partial_json": .string(call.arguments)])])
            case .arguments(let text): [delta(["type": "input_json_delta", "partial_json": .string(text)])]
            }
        }
    }

    mutating func ending(_ text: MadeText, _ index: Int) -> [ServerEvent] { close() }

    mutating func closing(_ texts: [MadeText], _ usage: Usage) -> [ServerEvent] {
        let delta: JSON = ["stop_reason": Self.reason(texts.first), "stop_sequence": texts.first?.stop.map { .string($0) } ?? .null]
        return [
            event("message_delta", ["delta": delta, "usage": ["output_tokens": JSON(usage.completion)]]), event("message_stop", [:]),
        ]
    }

    func whole(_ texts: [MadeText], _ usage: Usage) -> JSON {
        guard let text = texts.first else { return .null }
        var content: [JSON] = []
        if !text.thoughts.isEmpty { content.append(["type": "thinking", "thinking": .string(text.thoughts), "signature": ""]) }
        if !text.text.isEmpty || text.calls.isEmpty { content.append(["type": "text", "text": .string(text.text)]) }
        content += text.calls.map { call in
            ["type": "tool_use", "id": .string(call.id), "name": .string(call.name), "input": (try? JSON.parse(call.arguments)) ?? [:]]
        }
        return message(content, text, usage)
    }

    func failure(_ error: APIError) -> ServerEvent { ServerEvent(error.anthropic, name: "error") }

    private mutating func change(to block: Block, _ start: JSON) -> [ServerEvent] {
        if open == block { return [] }
        let closing = close()
        open = block
        return closing + [event("content_block_start", ["index": JSON(blocks), "content_block": start])]
    }

    private mutating func close() -> [ServerEvent] {
        guard open != nil else { return [] }
        open = nil
        blocks += 1
        return [event("content_block_stop", ["index": JSON(blocks - 1)])]
    }

    private func delta(_ delta: JSON) -> ServerEvent { event("content_block_delta", ["index": JSON(blocks), "delta": delta]) }

    private func message(_ content: [JSON], _ text: MadeText?, _ usage: Usage) -> JSON {
        [
            "id": .string(id), "type": "message", "role": "assistant", "model": .string(model), "content": .array(content),
            "stop_reason": Self.reason(text), "stop_sequence": text?.stop.map { .string($0) } ?? .null,
            "usage": [
                "input_tokens": JSON(usage.prompt - usage.cached), "cache_read_input_tokens": JSON(usage.cached),
                "cache_creation_input_tokens": 0, "output_tokens": JSON(usage.completion),
            ],
        ]
    }

    private static func reason(_ text: MadeText?) -> JSON {
        guard let text, let reason = text.reason else { return .null }
        if reason == .length { return "max_tokens" }
        if !text.calls.isEmpty { return "tool_use" }
        return text.stop == nil ? "end_turn" : "stop_sequence"
    }

    private func event(_ type: String, _ members: JSONObject) -> ServerEvent {
        var json: JSONObject = ["type": .string(type)]
        for (key, value) in members { json[key] = value }
        return ServerEvent(.object(json), name: type)
    }
}
