import QuintetFiles
import QuintetGeneration

/// llama-server's answers to /completion and /infill; a list of them where there are several prompts.
struct LlamaServerDressing: Dressing {
    private let model: ServedModel
    private let details: LlamaServerDetails
    /// Tells nothing of what was made.
    private let isPromptOnly: Bool
    /// What is known of each text while it is made: tokens of its prompt, tokens so far, when the first of them came.
    private var usages: [Usage]
    private var firstTokens: [Int: ContinuousClock.Instant] = [:]
    private let start = ContinuousClock.now

    init(_ model: ServedModel, _ details: LlamaServerDetails, _ promptCounts: [Int], isPromptOnly: Bool) {
        self.model = model
        self.details = details
        self.isPromptOnly = isPromptOnly
        usages = promptCounts.map { Usage(prompt: $0) }
    }

    mutating func opening(_ index: Int, _ usage: Usage) -> [ServerEvent] {
        usages[index].cached = usage.cached
        return details.returnsProgress ? [progress(index, usage.cached, .now)] : []
    }

    mutating func pieces(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int) -> [ServerEvent] {
        let events = token.map { note($0, index) } ?? []
        var content = ""
        for case .text(let text) in pieces { content += text }
        if isPromptOnly || content.isEmpty && token?.logprobs == nil { return events }
        var json: JSON = [
            "index": JSON(index), "content": .string(content), "tokens": .array(token.map { [JSON($0.id)] } ?? []), "stop": false,
        ]
        if let logprobs = token?.logprobs { json["completion_probabilities"] = probabilities([logprobs]) }
        if details.timingsPerToken { json["timings"] = usages[index].timings }
        return events + [ServerEvent(json)]
    }

    /// Counts a token; the first one says that the prompt is read.
    private mutating func note(_ token: BatchToken, _ index: Int) -> [ServerEvent] {
        let first = firstTokens[index] ?? token.moment
        let isFirst = firstTokens.updateValue(first, forKey: index) == nil
        usages[index].completion += 1
        usages[index].promptSeconds = (first - start) / .seconds(1)
        usages[index].completionSeconds = (token.moment - first) / .seconds(1)
        return isFirst && details.returnsProgress ? [progress(index, usages[index].prompt, first)] : []
    }

    private func progress(_ index: Int, _ processed: Int, _ moment: ContinuousClock.Instant) -> ServerEvent {
        let progress: JSON = [
            "total": JSON(usages[index].prompt), "cache": JSON(usages[index].cached), "processed": JSON(processed),
            "time_ms": JSON(Int((moment - start) / .milliseconds(1))),
        ]
        return ServerEvent(["index": JSON(index), "content": "", "tokens": [], "stop": false, "prompt_progress": progress])
    }

    mutating func ending(_ text: MadeText, _ index: Int) -> [ServerEvent] {
        var last = json(text, index, content: "", usages[index])
        last["tokens"] = []
        return [ServerEvent(details.chosen(last))]
    }

    mutating func closing(_ texts: [MadeText], _ usage: Usage) -> [ServerEvent] { [] }

    func whole(_ texts: [MadeText], _ usage: Usage) -> JSON {
        let answers = texts.enumerated().map { index, text in
            details.chosen(json(text, index, content: text.text, usages[index]))
        }
        return answers.count == 1 ? answers[0] : .array(answers)
    }

    func failure(_ error: APIError) -> ServerEvent { ServerEvent(error.openAI) }

    private func json(_ text: MadeText, _ index: Int, content: String, _ usage: Usage) -> JSON {
        var json: JSON = [
            "index": JSON(index), "content": .string(isPromptOnly ? "" : content), "tokens": .array(isPromptOnly ? [] : text.ids.map { JSON($0) }), "stop": true,
            "model": .string(model.name), "stop_type": text.reason == .length ? "limit" : text.stop == nil ? "eos" : "word",
            "stopping_word": .string(text.stop ?? ""), "tokens_predicted": JSON(isPromptOnly ? 0 : usage.completion), "tokens_evaluated": JSON(usage.prompt),
            "tokens_cached": JSON(usage.cached), "truncated": false, "timings": usage.timings,
        ]
        if !text.logprobs.isEmpty, !isPromptOnly { json["completion_probabilities"] = probabilities(text.logprobs) }
        return json
    }

    private func probabilities(_ list: [TokenLogprobs]) -> JSON {
        let isDraw = details.source == .draw
        return .array(list.map { one in
            func entry(_ entry: TokenLogprobs.Entry) -> JSON {
                let (text, bytes) = model.piece(entry.id)
                var json: JSON = ["id": JSON(entry.id), "token": .string(text), "bytes": .array(bytes.map { JSON($0) })]
                json[isDraw ? "prob" : "logprob"] = JSON(isDraw ? entry.probability : entry.logprob)
                return json
            }
            var json = entry(one.chosen)
            json[isDraw ? "top_probs" : "top_logprobs"] = .array(one.top.map(entry))
            return json
        })
    }
}
