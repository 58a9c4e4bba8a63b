import HTTPTypes
import Hummingbird
import Logging
import QuintetFiles

/// What every request passes before its route: an id, host and origin, sizes, the key; and after it: errors as JSON, a log line.
struct Gate: RouterMiddleware {
    typealias Context = ServeContext
    let server: ServerState

    func handle(_ request: Request, context: ServeContext, next: (Request, ServeContext) async throws -> Response) async throws -> Response {
        var context = context
        let start = ContinuousClock.now
        context.requestID = Self.requestID(request)
        context.logger[metadataKey: "request_id"] = "\(context.requestID)"
        var response: Response
        do {
            response = try await checked(request, &context, next)
        } catch { response = answer(to: error, request, context) }
        // An answer to HEAD that goes wrong has no body either.
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[Self.idName] = context.requestID
        decorate(&response, for: request)
        context.logger.info(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path.prefix(200))", "status": "\(response.status.code)",
                "milliseconds": "\((ContinuousClock.now - start) / .milliseconds(1))", "tenant": "\(context.tenant.name)",
            ])
        return response
    }

    private func checked(
        _ request: Request, _ context: inout ServeContext, _ next: (Request, ServeContext) async throws -> Response
    ) async throws -> Response {
        let limits = server.options.connection
        guard request.head.path.map({ $0.utf8.count <= limits.uriBytes }) ?? true else {
            throw APIError.uriTooLong(limits.uriBytes)
        }
        try checkPath(request)
        guard request.headers.count <= limits.headerFields else {
            throw APIError(.requestHeaderFieldsTooLarge, "invalid_request_error", "There are more than \(limits.headerFields) header fields.")
        }
        try checkHost(request)
        if request.method == .options { return try preflight(request) }
        try checkOrigin(request)
        context.tenant = try tenant(request)
        return try await next(request, context)
    }

    /// Nothing here lies above anything, and no name holds a zero byte.
    private func checkPath(_ request: Request) throws {
        let path = request.uri.path
        guard let plain = path.percentDecoded, !plain.utf8.contains(0), !plain.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
            throw APIError.invalid("'\(path.prefix(80))' is no path of a request.", code: "invalid_path")
        }
    }

    /// Names that only a page on another site would send are refused: its name was pointed at this machine.
    private func checkHost(_ request: Request) throws {
        guard let authority = request.head.authority else { throw APIError.invalid("The Host header is missing.") }
        // The first one is the authority; another one would be for somebody else.
        guard request.headers[Self.hostField] == nil else { throw APIError.invalid("There is more than one Host header.") }
        let host = Self.hostName(authority)
        let fine = server.options.hostNames + [server.options.host, "localhost", "127.0.0.1", "[::1]", "::1"]
        guard !server.options.isLoopback || fine.contains(host) else {
            throw APIError(.misdirectedRequest, "invalid_request_error", "This server is not called '\(host.prefix(80))'.", code: "wrong_host")
        }
    }

    /// What a page of another site asks is refused, also where it could not read the answer.
    private func checkOrigin(_ request: Request) throws {
        guard let origin = request.headers[.origin], origin == "null" || origin.hasPrefix("http") else { return }
        let own = origin.firstRange(of: "://").map { origin[$0.upperBound...] } == request.head.authority?[...]
        guard own || server.options.origins.contains(origin) else { throw APIError(.forbidden, "invalid_request_error", "This origin may not call; --cors-origin names those that may.", code: "wrong_origin") }
    }

    private static func hostName(_ authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)?.lowercased() ?? ""
    }

    /// Whose request it is; open routes ask for nothing.
    private func tenant(_ request: Request) throws -> Tenant {
        guard let keys = server.keys else { return .anybody }
        if Routes.all.contains(where: { $0.access == .open && $0.path == request.uri.path && ($0.method == request.method || $0.method == .get && request.method == .head) }) { return .anybody }
        let bearer = request.headers[.authorization].flatMap { value in
            value.lowercased().hasPrefix("bearer ") ? value.dropFirst(7) : nil
        }
        let key = bearer.map(String.init) ?? request.headers[Self.keyName]
        guard let key, let holder = keys.holder(of: key.utf8) else { throw APIError.unauthorized }
        return Tenant(name: holder.name, limit: holder.limit)
    }

    private func preflight(_ request: Request) throws -> Response {
        guard let origin = request.headers[.origin] else { return Response(status: .noContent, headers: [.allow: Routes.methods(of: request.uri.path)]) }
        guard server.options.origins.contains(origin) else {
            throw APIError(.forbidden, "invalid_request_error", "This origin may not call.")
        }
        // Clients in browsers send headers of their own; an origin that may call may send them.
        let asked = request.headers[Self.askedHeaders].flatMap { $0.utf8.count <= 2000 ? $0 : nil }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: "GET, POST", .accessControlAllowHeaders: asked ?? "authorization, content-type, x-api-key, x-request-id",
                .accessControlMaxAge: "600",
            ])
    }

    private func decorate(_ response: inout Response, for request: Request) {
        response.headers[.xContentTypeOptions] = "nosniff"
        guard let origin = request.headers[.origin], server.options.origins.contains(origin) else { return }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.vary] = "origin"
    }

    private func answer(to error: any Error, _ request: Request, _ context: ServeContext) -> Response {
        let known: APIError
        switch error {
        case let error as APIError: known = error
        case let error as HTTPError where error.status == .notFound && (request.method == .connect || Routes.isThere(request.uri.path)):
            known = .notAllowed(request.method.rawValue, request.uri.path)
        case let error as HTTPError:
            known = APIError(error.status, "invalid_request_error", error.body ?? "\(request.method) \(request.uri.path): \(error.status.reasonPhrase)")
        case is CancellationError: known = .draining
        default:
            context.logger.error("a request failed", metadata: ["error": "\(type(of: error))"])
            known = APIError(.internalServerError, "server_error", "Something went wrong here; the log has it under this request's id.", code: "internal_error")
        }
        server.metrics.rejected(known)
        let asksForKey = known == .unauthorized && request.uri.path == ChatPage.path && [.get, .head].contains(request.method)
        var response = asksForKey ? ChatPage.keyPage : Response.json(request.uri.path.hasPrefix(Anthropic.path) ? known.anthropic : known.openAI, known.status)
        response.status = known.status
        for field in known.headers { response.headers[field.name] = field.value }
        return response
    }

    /// The client's id where it is harmless in a log, else one of ours.
    private static func requestID(_ request: Request) -> String {
        if let id = request.headers[idName], (1...64).contains(id.utf8.count),
            id.utf8.allSatisfy({ isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        {
            return id
        }
        return randomName()
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || byte == UInt8(ascii: "_")
    }

    static let idName = HTTPField.Name("x-request-id") ?? .server
    private static let askedHeaders = HTTPField.Name("Access-Control-Request-Headers") ?? .server
    private static let hostField = HTTPField.Name("Host") ?? .server
    private static let keyName = HTTPField.Name("x-api-key") ?? .authorization
}
