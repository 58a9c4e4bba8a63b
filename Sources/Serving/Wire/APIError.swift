import HTTPTypes
import QuintetFiles

/// What a client did wrong, or why we cannot serve it, in the fields of OpenAI's error object.
struct APIError: Error, Sendable, Equatable {
    var status: HTTPResponse.Status
    var type: String
    var message: String
    var code: String?
    var param: String?
    /// Seconds after which it is worth trying again.
    var retryAfter: Int?
    /// Methods that the path does take.
    var allow: String?

    init(_ status: HTTPResponse.Status, _ type: String, _ message: String, code: String? = nil, param: String? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.type = type
        self.message = message
        self.code = code
        self.param = param
        self.retryAfter = retryAfter
    }

    static func invalid(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(.badRequest, "invalid_request_error", message, code: code, param: param)
    }

    static let unauthorized = APIError(
        .unauthorized, "invalid_request_error", "Incorrect API key provided.", code: "invalid_api_key")
    static let draining = APIError(
        .serviceUnavailable, "service_unavailable", "The server is shutting down.", code: "shutting_down", retryAfter: 5)

    static func tooMany(_ message: String) -> APIError {
        APIError(.tooManyRequests, "rate_limit_error", message, code: "rate_limit_exceeded", retryAfter: 1)
    }

    static func overloaded(_ message: String) -> APIError {
        APIError(.serviceUnavailable, "service_unavailable", message, code: "server_overloaded", retryAfter: 1)
    }

    static func notAllowed(_ method: some StringProtocol, _ path: String) -> APIError {
        var error = APIError(.methodNotAllowed, "invalid_request_error", "\(path.prefix(200)) is not there for \(method.prefix(20)).", code: "method_not_allowed")
        error.allow = Routes.methods(of: path)
        return error
    }

    static func uriTooLong(_ limit: Int) -> APIError {
        APIError(.uriTooLong, "invalid_request_error", "The path is longer than \(limit) bytes.", code: "uri_too_long")
    }

    static func notFound(_ message: String, code: String? = nil, param: String? = nil) -> APIError {
        APIError(.notFound, "invalid_request_error", message, code: code, param: param)
    }

    /// What the answer's head says besides the status.
    var headers: HTTPFields {
        var fields = HTTPFields()
        fields[.retryAfter] = retryAfter.map { "\($0)" }
        fields[.allow] = allow
        if status == .unauthorized { fields[.wwwAuthenticate] = "Bearer" }
        return fields
    }

    /// `{"error": {"message", "type", "param", "code"}}`.
    var openAI: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": param.map { .string($0) } ?? .null,
                "code": code.map { .string($0) } ?? .null,
            ]
        ]
    }
}
