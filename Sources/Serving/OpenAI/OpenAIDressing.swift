import QuintetFiles
import QuintetGeneration

/// OpenAI's answers: whole texts, or chunks that end with `[DONE]`.
struct OpenAIDressing: Dressing {
    /// Which of the two routes it is.
    enum Kind: Sendable { case chat, text }

    let kind: Kind
    let id: String
    let model: ServedModel
    let includesUsage: Bool
    /// What each text begins with: the prompt where it is asked for again.
    var echoes: [Echo] = []
    let created = OpenAI.now()
    /// Calls that were sent, for each choice.
    private var calls: [Int: Int] = [:]
    private var offsets: [Int: Int] = [:]
    /// What stands around the text of a chunk that brings nothing else, for each choice.
    private var frames: [Int: Frame] = [:]

    init(_ kind: Kind, _ call: Call, _ model: ServedModel, _ generation: GenerationFields) {
        self.kind = kind
        id = (kind == .chat ? "chatcmpl-" : "cmpl-") + call.context.requestID
        self.model = model
        includesUsage = generation.includesUsage
    }

    /// A prompt that is told again, with its tokens' probabilities where they are asked for.
    struct Echo: Sendable {
        let text: String
        let ids: [Int32]
        let logprobs: [TokenLogprobs]?
    }

    mutating func opening(_ index: Int, _ usage: Usage) -> [ServerEvent] {
        if kind == .chat { return [chunk(index, ["role": "assistant", "content": ""])] }
        guard echoes.indices.contains(index) else { return [] }
        let echo = echoes[index]
        let logprobs = echo.logprobs.map { Logprobs(model).texts($0, prompt: echo.ids, from: 0) }
        offsets[index] = echo.text.unicodeScalars.count
        return [chunk(index, ["content": .string(echo.text)], logprobs: logprobs)]
    }

    mutating func pieces(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int) -> [ServerEvent] {
        var delta = JSONObject()
        for piece in pieces { add(piece, to: &delta, index) }
        let logprobs = token?.logprobs.map { kind == .chat ? Logprobs(model).chat([$0]) : Logprobs(model).texts([$0], from: offsets[index, default: 0]) }
        // Places in the text are told with probabilities only.
        if let token, logprobs != nil { offsets[index, default: 0] += token.text.unicodeScalars.count }
        return delta.isEmpty && logprobs == nil ? [] : [chunk(index, delta, logprobs: logprobs)]
    }

    private mutating func add(_ piece: ReplyPiece, to delta: inout JSONObject, _ index: Int) {
        func append(_ text: String, _ key: String) { delta[key] = .string((delta[key]?.string ?? "") + text) }
        switch piece {
        case .text(let text): append(text, "content")
        case .thought(let text): append(text, "reasoning_content")
        case .call(let call):
            var json = call.json
            json["index"] = JSON(calls[index, default: 0])
            calls[index, default: 0] += 1
            delta["tool_calls"] = .array((delta["tool_calls"]?.array ?? []) + [json])
        case .arguments(let text):
            var sent = delta["tool_calls"]?.array ?? []
            if var last = sent.popLast() {
                // The call's name came with the same token.
                let before = last["function"]?["arguments"]?.string ?? ""
                last["function"]?["arguments"] = .string(before + text)
                sent.append(last)
            } else {
                sent.append(["index": JSON(max(calls[index, default: 1] - 1, 0)), "function": ["arguments": .string(text)]])
            }
            delta["tool_calls"] = .array(sent)
        }
    }

    mutating func ending(_ text: MadeText, _ index: Int) -> [ServerEvent] { [chunk(index, [:], reason: Self.reason(text))] }

    mutating func closing(_ texts: [MadeText], _ usage: Usage) -> [ServerEvent] {
        let end = ServerEvent(text: "[DONE]")
        return includesUsage ? [ServerEvent(envelope(isChunk: true, [], usage)), end] : [end]
    }

    func failure(_ error: APIError) -> ServerEvent { ServerEvent(error.openAI) }

    func whole(_ texts: [MadeText], _ usage: Usage) -> JSON {
        envelope(isChunk: false, texts.enumerated().map { kind == .chat ? message($1, $0) : completion($1, $0) }, usage)
    }

    private func message(_ text: MadeText, _ index: Int) -> JSON {
        var message: JSON = ["role": "assistant", "content": text.text.isEmpty && !text.calls.isEmpty ? .null : .string(text.text), "refusal": nil]
        if !text.thoughts.isEmpty { message["reasoning_content"] = .string(text.thoughts) }
        if !text.calls.isEmpty { message["tool_calls"] = .array(text.calls.map(\.json)) }
        let logprobs: JSON = text.logprobs.isEmpty ? .null : Logprobs(model).chat(text.logprobs)
        return ["index": JSON(index), "message": message, "logprobs": logprobs, "finish_reason": .string(Self.reason(text))]
    }

    private func completion(_ text: MadeText, _ index: Int) -> JSON {
        let echo = echoes.indices.contains(index) ? echoes[index] : nil
        var logprobs = JSON.null
        if let told = echo?.logprobs {
            logprobs = Logprobs(model).texts(told + text.logprobs, prompt: echo?.ids, from: 0)
        } else if !text.logprobs.isEmpty {
            logprobs = Logprobs(model).texts(text.logprobs, from: echo?.text.unicodeScalars.count ?? 0)
        }
        return ["index": JSON(index), "text": .string((echo?.text ?? "") + text.text), "logprobs": logprobs, "finish_reason": .string(Self.reason(text))]
    }

    func chunk(_ index: Int, _ delta: JSONObject, reason: String? = nil, logprobs: JSON? = nil) -> ServerEvent {
        let body: (String, JSON) = kind == .chat ? ("delta", .object(delta)) : ("text", delta["content"] ?? "")
        let choice: JSON = ["index": JSON(index), body.0: body.1, "logprobs": logprobs ?? .null, "finish_reason": reason.map { .string($0) } ?? .null]
        return ServerEvent(envelope(isChunk: true, [choice], nil))
    }

    /// A piece that is nothing but text stands between two halves that are written once.
    mutating func write(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int, into chunk: inout Chunk) {
        guard pieces.count == 1, case .text(let text) = pieces[0], token?.logprobs == nil else {
            for event in self.pieces(pieces, token, index) { chunk.append(event) }
            return
        }
        if frames[index] == nil { frames[index] = Frame(self.chunk(index, ["content": .string(Frame.mark)]).data) }
        if let frame = frames[index] { chunk.append(frame.before, .string(text), frame.after) }
    }

    private struct Frame: Sendable {
        static let mark = "\u{1}"
        let before, after: [UInt8]

        /// What stands around the mark.
        init(_ chunk: [UInt8]) {
            let place = chunk.firstRange(of: Array(JSON.string(Self.mark).serialized().utf8)) ?? chunk.endIndex..<chunk.endIndex
            (before, after) = (Array(chunk[..<place.lowerBound]), Array(chunk[place.upperBound...]))
        }
    }

    private func envelope(isChunk: Bool, _ choices: [JSON], _ usage: Usage?) -> JSON {
        let object = kind == .text ? "text_completion" : isChunk ? "chat.completion.chunk" : "chat.completion"
        var json: JSON = [
            "id": .string(id), "object": .string(object), "created": JSON(created), "model": .string(model.name),
            "system_fingerprint": .string("quintet-\(quintetVersion)"), "choices": .array(choices),
        ]
        if let usage {
            json["usage"] = [
                "prompt_tokens": JSON(usage.prompt), "completion_tokens": JSON(usage.completion),
                "total_tokens": JSON(usage.prompt + usage.completion), "prompt_tokens_details": ["cached_tokens": JSON(usage.cached)],
            ]
            json["timings"] = usage.timings
        }
        return json
    }

    static func reason(_ text: MadeText) -> String {
        if !text.calls.isEmpty, text.reason == .stop { return "tool_calls" }
        return text.reason?.rawValue ?? "stop"
    }
}
