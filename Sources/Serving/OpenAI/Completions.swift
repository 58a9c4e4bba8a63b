import Hummingbird
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

extension OpenAI {
    /// POST /v1/completions.
    @Sendable static func completions(_ call: Call) async throws -> Response {
        let (fields, ticket, model) = try await call.begin()
        if fields["suffix"] != nil { throw APIError.invalid("'suffix' is not taken here; /infill fills in between.", param: "suffix") }
        let echoes = try fields.flag("echo") ?? false
        var generation = try GenerationFields(fields, model, leastTokens: echoes ? 0 : 1)
        generation.logprobs = try fields.int("logprobs", 0...20)
        if let source = try FormatSource.of(fields) { generation.format = try await model.format(source) }
        let prompts = try prompts(fields, model)
        guard prompts.count * generation.choices <= model.client.limits.parallel + model.client.limits.queue else {
            throw APIError.invalid("\(prompts.count) prompts with \(generation.choices) texts each are more than this server's queue holds.", param: "prompt")
        }
        var dressing = OpenAIDressing(.text, call, model, generation)
        if echoes { dressing.echoes = try await self.echoes(prompts, generation, model) }
        if generation.maxTokens == 0 { return generation.isStreamed ? dressing.echoedEvents(prompts) : .json(dressing.echoed(prompts)) }
        let making = try Making(model, try prompts.flatMap { try generation.requests($0, model, call) })
        return try await call.answer(making, isStreamed: generation.isStreamed, dressing, ticket)
    }

    /// One for each text: a prompt as often as it has texts.
    private static func echoes(_ prompts: [[Int32]], _ generation: GenerationFields, _ model: ServedModel) async throws -> [OpenAIDressing.Echo] {
        var echoes: [OpenAIDressing.Echo] = []
        for ids in prompts {
            var logprobs: [TokenLogprobs]?
            if let top = generation.logprobs { logprobs = try await told { try await model.client.logprobs(of: ids, top: top, shares: generation.shares) } }
            let echo = OpenAIDressing.Echo(text: model.tokenizer.decode(ids), ids: ids, logprobs: logprobs)
            echoes += Array(repeating: echo, count: generation.choices)
        }
        return echoes
    }

    /// Errors of a text that is read by itself, in the client's words.
    static func told<Value>(_ work: () async throws -> Value) async throws -> Value {
        do { return try await work() } catch let error as BatchFailure { throw APIError(error) } catch let error as OptionError {
            throw APIError.invalid("\(error)", param: error.option, code: "context_length_exceeded")
        }
    }

    /// A text, a list of texts, ids, or a list of lists of ids.
    static func prompts(_ fields: Fields, _ model: ServedModel, _ key: String = "prompt", atMost most: Int = 64) throws(APIError) -> [[Int32]] {
        guard let prompt = fields[key] else { throw .invalid("'\(key)' is missing.", param: key) }
        if let text = prompt.string { return [try model.promptIDs(text, param: key)] }
        let wrong = fields.wrong(key, "a text, a list of texts, or token ids")
        guard let list = prompt.array, !list.isEmpty else { throw wrong }
        if let ids = tokenIDs(list) { return [try checked(ids, model, key)] }
        guard list.count <= most else { throw fields.wrong(key, "a list of at most \(most) texts") }
        var prompts: [[Int32]] = []
        for item in list {
            if let text = item.string {
                prompts.append(try model.promptIDs(text, param: key))
            } else {
                guard let ids = item.array.flatMap(tokenIDs) else { throw wrong }
                prompts.append(try checked(ids, model, key))
            }
        }
        return prompts
    }

    private static func tokenIDs(_ list: [JSON]) -> [Int32]? {
        let ids = list.compactMap { json -> Int32? in if case .integer(let value) = json { Int32(exactly: value) } else { nil } }
        return ids.count == list.count && !ids.isEmpty ? ids : nil
    }

    private static func checked(_ ids: [Int32], _ model: ServedModel, _ key: String) throws(APIError) -> [Int32] {
        let vocabulary = model.vocabulary
        if let wrong = ids.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
            throw .invalid("'\(key)' holds the token \(wrong); ids go from 0 to \(vocabulary - 1).", param: key)
        }
        return ids
    }
}

extension OpenAIDressing {
    private var nothing: [MadeText] { echoes.map { _ in MadeText(ReplyStyle(), stops: [], ends: []) } }

    /// The same as a stream.
    mutating func echoedEvents(_ prompts: [[Int32]]) -> Response {
        let (nothing, usage) = (nothing, Usage(prompt: prompts.reduce(0) { $0 + $1.count }))
        var events = nothing.indices.flatMap { opening($0, usage) }
        events += nothing.indices.map { self.chunk($0, [:], reason: "length") } + closing(nothing, usage)
        var chunk = Chunk()
        for event in events { chunk.append(event) }
        return Response(status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"], body: ResponseBody(byteBuffer: chunk.body))
    }

    /// The answer to a request for nothing but its prompts' probabilities.
    func echoed(_ prompts: [[Int32]]) -> JSON {
        var json = whole(nothing, Usage(prompt: prompts.reduce(0) { $0 + $1.count }))
        json["choices"] = .array((json["choices"]?.array ?? []).map { choice in
            var choice = choice
            choice["finish_reason"] = "length"
            return choice
        })
        return json
    }
}
