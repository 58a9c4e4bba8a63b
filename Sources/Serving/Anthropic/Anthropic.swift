import HTTPTypes
import Hummingbird
import QuintetFiles
import QuintetGeneration

/// Anthropic's messages. Source: docs.anthropic.com/en/api/messages.
enum Anthropic {
    static let path = "/v1/messages"

    static let routes: [Route] = [
        .post(path, "The next message of a conversation, in Anthropic's words.", messages),
        .post("\(path)/count_tokens", "How many tokens a conversation is.", count),
    ]

    @Sendable private static func messages(_ call: Call) async throws -> Response {
        let (fields, ticket, model) = try await call.begin()
        guard fields["max_tokens"] != nil else { throw APIError.invalid("'max_tokens' is missing.", param: "max_tokens") }
        let tools = try AnthropicConversation.tools(fields)
        var generation = try GenerationFields(fields, model)
        if let source = try tools.format ?? FormatSource.of(fields) { generation.format = try await model.format(source) }
        let prompt = try model.prompt(try AnthropicConversation.conversation(fields), tools)
        let making = try Making(model, try generation.requests(prompt.ids, model, call, param: "messages"), prompt.style)
        let dressing = AnthropicDressing(id: "msg_\(call.context.requestID)", model: model.name)
        return try await call.answer(making, isStreamed: generation.isStreamed, dressing, ticket)
    }

    @Sendable private static func count(_ call: Call) async throws -> Response {
        let (fields, model) = try await call.model()
        let prompt = try model.prompt(try AnthropicConversation.conversation(fields), try AnthropicConversation.tools(fields))
        return .json(["input_tokens": JSON(prompt.ids.count)])
    }
}

extension APIError {
    /// `{"type": "error", "error": {"type", "message"}}`.
    var anthropic: JSON {
        let type = switch status.code {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
        return ["type": "error", "error": ["type": .string(type), "message": .string(message)]]
    }
}
