import QuintetFiles
import QuintetGeneration

/// llama-server's answers to /completion and /infill.
struct LlamaServerDressing: Dressing {
    let model: ServedModel
    /// Tells nothing of what was made.
    var isPromptOnly = false

    mutating func opening(_ index: Int, _ usage: Usage) -> [ServerEvent] { [] }

    mutating func pieces(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int) -> [ServerEvent] {
        var content = ""
        for case .text(let text) in pieces { content += text }
        if isPromptOnly || content.isEmpty && token?.logprobs == nil { return [] }
        var json: JSON = [
            "index": JSON(index), "content": .string(content), "tokens": .array(token.map { [JSON($0.id)] } ?? []), "stop": false,
        ]
        if let logprobs = token?.logprobs { json["completion_probabilities"] = Self.probabilities([logprobs], model) }
        return [ServerEvent(json)]
    }

    mutating func ending(_ text: MadeText, _ index: Int) -> [ServerEvent] { [] }

    mutating func closing(_ texts: [MadeText], _ usage: Usage) -> [ServerEvent] {
        guard let text = texts.first else { return [] }
        var json = json(text, content: "", usage)
        json["tokens"] = []
        return [ServerEvent(json)]
    }

    func whole(_ texts: [MadeText], _ usage: Usage) -> JSON {
        guard let text = texts.first else { return nil }
        return json(text, content: text.text, usage)
    }

    func failure(_ error: APIError) -> ServerEvent { ServerEvent(error.openAI) }

    private func json(_ text: MadeText, content: String, _ usage: Usage) -> JSON {
        var json: JSON = [
            "index": 0, "content": .string(isPromptOnly ? "" : content), "tokens": .array(isPromptOnly ? [] : text.ids.map { JSON($0) }), "stop": true, "model": .string(model.name),
            "stop_type": text.reason == .length ? "limit" : text.stop == nil ? "eos" : "word", "stopping_word": .string(text.stop ?? ""),
            "tokens_predicted": JSON(isPromptOnly ? 0 : usage.completion), "tokens_evaluated": JSON(usage.prompt), "tokens_cached": JSON(usage.cached),
            "truncated": false, "timings": usage.timings,
        ]
        if !text.logprobs.isEmpty, !isPromptOnly { json["completion_probabilities"] = Self.probabilities(text.logprobs, model) }
        return json
    }

    private static func probabilities(_ list: [TokenLogprobs], _ model: ServedModel) -> JSON {
        .array(list.map { one in
            func entry(_ entry: TokenLogprobs.Entry) -> JSON {
                let (text, bytes) = model.piece(entry.id)
                return ["id": JSON(entry.id), "token": .string(text), "bytes": .array(bytes.map { JSON($0) }), "logprob": JSON(entry.logprob)]
            }
            var json = entry(one.chosen)
            json["top_logprobs"] = .array(one.top.map(entry))
            return json
        })
    }
}
