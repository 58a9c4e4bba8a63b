import Hummingbird
import QuintetFiles
import QuintetGeneration

extension OpenAI {
    /// POST /v1/chat/completions.
    @Sendable static func chat(_ call: Call) async throws -> Response {
        let (fields, ticket, model) = try await call.begin()
        let tools = try ToolUse(fields)
        var generation = try GenerationFields(fields, model)
        let top = try fields.int("top_logprobs", 0...20)
        if try fields.flag("logprobs") == true {
            generation.logprobs = top ?? 0
        } else if let top, top > 0 { throw fields.wrong("top_logprobs", "with 'logprobs': true") }
        for name in ["functions", "function_call"] where fields[name] != nil { throw APIError.invalid("'\(name)' is not taken; 'tools' and 'tool_choice' are.", param: name) }
        if let kinds = try fields.list("modalities"), kinds.contains(where: { $0.string != "text" }) { throw fields.wrong("modalities", "text alone") }
        let asked = try FormatSource.of(fields)
        if asked != nil, tools.format != nil { throw APIError.invalid("'response_format' and a 'tool_choice' that forces a call exclude each other.", param: "tool_choice") }
        if let source = tools.format ?? asked { generation.format = try await model.format(source) }
        let prompt = try model.prompt(try Conversation(fields), tools)
        let making = try Making(model, try generation.requests(prompt.ids, model, call, param: "messages"), prompt.style)
        return try await call.answer(making, isStreamed: generation.isStreamed, OpenAIDressing(.chat, call, model, generation), ticket)
    }

    /// POST /v1/chat/completions/input_tokens.
    @Sendable static func countChat(_ call: Call) async throws -> Response {
        let (fields, model) = try await call.model()
        return .json(["object": "response.input_tokens", "input_tokens": JSON(try model.prompt(try Conversation(fields), try ToolUse(fields)).ids.count)])
    }
}
