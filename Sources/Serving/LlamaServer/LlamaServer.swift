import Hummingbird
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// The routes of llama.cpp's server, as editors and front ends use them. Source: llama.cpp tools/server/README.md.
enum LlamaServer {
    static let routes: [Route] = [
        .post("/completion", "The continuation of a prompt, in llama-server's words.", completion),
        .post("/completions", "As /completion.", completion),
        .post("/tokenize", "A text's tokens.", tokenize),
        .post("/detokenize", "The text of tokens.", detokenize),
        .post("/apply-template", "A conversation as the model's template writes it.", applyTemplate),
        .post("/embedding", "A vector for each text, 'content' or 'input', in llama-server's words.", embedding),
        .post("/embeddings", "As /embedding.", embedding),
        .get("/props", "What the server is set to.", .key, props),
        .get("/models", "The models there are, and which are loaded.", .key, OpenAI.models),
        .post("/models/load", "Loads a model.", load),
        .post("/models/unload", "Lets a model go.", unload),
    ] + Slots.routes + LoraAdapters.routes + Infill.routes

    @Sendable private static func completion(_ call: Call) async throws -> Response {
        let (fields, ticket, model) = try await call.begin()
        var generation = try GenerationFields(fields, model)
        let details = try LlamaServerDetails(fields)
        if let count = try fields.int("n_probs", 0...100), count > 0 { (generation.logprobs, generation.logprobSource) = (count, details.source) }
        if let source = try FormatSource.of(fields) { generation.format = try await model.format(source) }
        let prompts = try mixed(fields, model) ?? OpenAI.prompts(fields, model)
        let places = model.client.limits.parallel + model.client.limits.queue
        guard prompts.count * generation.choices <= places else { throw fields.wrong("prompt", "at most \(places) texts: this server's queue holds no more") }
        let requests = try prompts.flatMap { try generation.requests($0, model, call) }
        let dressing = LlamaServerDressing(model, details, requests.map(\.prompt.count), isPromptOnly: generation.isPromptOnly)
        return try await call.answer(try Making(model, requests), isStreamed: generation.isStreamed, dressing, ticket)
    }

    /// Ids and texts one after the other, as one prompt; nil where it is something else.
    private static func mixed(_ fields: Fields, _ model: ServedModel) throws(APIError) -> [[Int32]]? {
        guard let list = fields["prompt"]?.array, list.contains(where: { $0.int != nil }), list.contains(where: { $0.string != nil }) else { return nil }
        var ids: [Int32] = []
        for part in list {
            if let text = part.string {
                ids += ids.isEmpty ? try model.promptIDs(text) : model.tokenizer.encode(text, addSpecialTokens: false)
            } else {
                guard let id = part.int, id >= 0, id < model.vocabulary else { throw fields.wrong("prompt", "texts and token ids") }
                ids.append(Int32(id))
            }
        }
        return [ids]
    }

    /// A list of vectors for each text: one, as they are pooled here.
    @Sendable private static func embedding(_ call: Call) async throws -> Response {
        let values = try await OpenAI.vectors(call).values
        return .json(.array(values.enumerated().map { ["index": JSON($0), "embedding": [$1]] }))
    }

    @Sendable private static func tokenize(_ call: Call) async throws -> Response {
        let (fields, model) = try await call.model()
        let text = try fields.string("content") ?? ""
        let ids = model.tokenizer.encode(
            text, addSpecialTokens: try fields.flag("add_special") ?? false, specials: try fields.flag("parse_special") ?? true ? .parsed : .asText)
        guard try fields.flag("with_pieces") == true else { return .json(["tokens": .array(ids.map { JSON($0) })]) }
        return .json(["tokens": .array(ids.map { ["id": JSON($0), "piece": piece($0, model)] })])
    }

    /// A token's text, or its bytes where they are no text.
    private static func piece(_ id: Int32, _ model: ServedModel) -> JSON {
        let (text, bytes) = model.piece(id)
        return Array(text.utf8) == bytes ? .string(text) : .array(bytes.map { JSON($0) })
    }

    @Sendable private static func detokenize(_ call: Call) async throws -> Response {
        let (fields, model) = try await call.model()
        if try fields.list("tokens")?.isEmpty ?? true { return .json(["content": ""]) }
        let ids = try OpenAI.prompts(fields, model, "tokens")
        guard ids.count == 1, fields["tokens"]?.array?.allSatisfy({ $0.int != nil }) == true else { throw fields.wrong("tokens", "a list of token ids") }
        return .json(["content": .string(model.tokenizer.decode(ids[0], skipSpecialTokens: false))])
    }

    @Sendable private static func applyTemplate(_ call: Call) async throws -> Response {
        let (fields, model) = try await call.model()
        return .json(["prompt": .string(try model.promptText(try Conversation(fields), try ToolUse(fields)))])
    }

    @Sendable private static func props(_ call: Call) async throws -> Response {
        let model = try await call.server.pool.model(call.query("model"))
        let sampling = model.generator.defaults.sampling
        return .json([
            "default_generation_settings": [
                "n_ctx": JSON(model.context), "temperature": JSON(sampling.temperature), "top_k": JSON(sampling.topK),
                "top_p": JSON(sampling.topP), "min_p": JSON(sampling.minP), "repeat_penalty": JSON(sampling.repetitionPenalty),
            ],
            "total_slots": JSON(model.client.limits.parallel), "model_alias": .string(model.name),
            "chat_template": .string(model.template ?? ""), "chat_template_note": model.hasTemplate ? .null : .string(ServedModel.plainTextNote),
            "bos_token": .string(model.tokenizer.templateTokens["bos_token"] ?? ""), "eos_token": .string(model.tokenizer.templateTokens["eos_token"] ?? ""),
            "build_info": .string("quintet \(quintetVersion)"), "is_sleeping": false,
        ])
    }

    @Sendable private static func load(_ call: Call) async throws -> Response {
        _ = try await call.model()
        return .json(["success": true])
    }

    @Sendable private static func unload(_ call: Call) async throws -> Response {
        let (fields, _) = try await call.fields()
        let name = try fields.string("model") ?? ""
        guard call.server.pool.listings.contains(where: { $0.name == name }) else {
            throw ModelPool.missing(name, call.server.pool.listings.map(\.name))
        }
        return .json(["success": .bool(call.server.pool.unload(name))])
    }
}
