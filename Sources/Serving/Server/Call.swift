import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import QuintetFiles

/// One request, with what its handler needs.
struct Call: Sendable {
    let request: Request
    let server: ServerState
    let context: ServeContext

    var tenant: Tenant { context.tenant }
    var log: Logger { context.logger }

    /// Whether reading the body and working out its prompt may hold a thread for long: the pool's threads are few, and others wait for them.
    var mayTakeLong: Bool {
        guard request.method == .post else { return false }
        return request.headers[.contentLength].flatMap { Int($0) }.map { $0 > 1 << 16 } ?? true
    }

    /// The body as JSON: strict, bounded in bytes and depth.
    func json() async throws -> (json: JSON, bytes: Int) {
        try checkType()
        let limit = server.options.connection.bodyBytes
        let tooLarge = APIError(
            .contentTooLarge, "invalid_request_error", "The body is larger than \(limit) bytes.", code: "request_too_large")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        let body: ByteBuffer
        do { body = try await collected(upTo: limit) } catch is NIOTooManyBytesError { throw tooLarge }
        do {
            let json = try body.withUnsafeReadableBytes { try JSON.parse($0, source: "body") }
            return (json, body.readableBytes)
        } catch let error as FileError { throw APIError.invalid("The body is no JSON: \(error)", code: "invalid_json") }
    }

    /// The body in memory of its own. Its pieces lie in buffers that the event loop uses again: who works elsewhere has them copied there.
    private func collected(upTo limit: Int) async throws -> ByteBuffer {
        guard mayTakeLong else { return try await request.body.collect(upTo: limit) }
        return try await withTaskExecutorPreference(LoopExecutor(context.channel.eventLoop)) {
            var whole = ByteBuffer()
            for try await piece in request.body {
                guard whole.readableBytes + piece.readableBytes <= limit else { throw NIOTooManyBytesError(maxBytes: limit) }
                whole.writeImmutableBuffer(piece)
            }
            return whole
        }
    }

    /// JSON in UTF-8, as it comes.
    private func checkType() throws(APIError) {
        let value = (request.headers[.contentType] ?? "").lowercased()
        let parts = value.split(separator: ";").map { $0.filter { !$0.isWhitespace && $0 != "\"" } }
        let type = parts.first ?? ""
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") } ?? "charset=utf-8"
        let coding = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard type == "application/json" || type.hasSuffix("+json"), charset == "charset=utf-8", coding == "identity" else {
            throw APIError(
                .unsupportedMediaType, "invalid_request_error",
                "The body has to be application/json in UTF-8, not compressed; the header says '\(value.prefix(80))'.", code: "unsupported_media_type")
        }
    }

    /// The body's fields.
    func fields() async throws -> (fields: Fields, bytes: Int) {
        let (json, bytes) = try await json()
        let fields = try Fields(json)
        try QuietFields.check(fields)
        return (fields, bytes)
    }

    /// What every request for a model's work begins with: its fields, a place, the model it names. The place is looked for before anything
    /// is worked out, so that a refusal takes no time.
    func begin() async throws -> (fields: Fields, ticket: Admission.Ticket, model: ServedModel) {
        let (fields, bytes) = try await fields()
        let ticket = try server.admission.enter(tenant, tokens: bytes / 4)
        let model = try await server.pool.model(try fields.string("model"))
        try model.checkRoom()
        return (fields, ticket, model)
    }

    /// For what needs no place: the fields and the model they name.
    func model() async throws -> (fields: Fields, model: ServedModel) {
        let (fields, _) = try await fields()
        return (fields, try await server.pool.model(try fields.string("model")))
    }

    /// A value of the query string, percent-decoded.
    func query(_ name: String) -> String? { request.uri.queryParameters[Substring(name)].map(String.init) }

    /// Calls `body` once the client is gone, while `work` runs.
    func whileConnected<Value>(_ gone: @escaping @Sendable () -> Void, _ work: () async throws -> Value) async rethrows -> Value {
        let line = server.connections[context.channel]
        let number = line?.whenGone(gone)
        defer { if let number { line?.forget(number) } }
        return try await work()
    }
}

extension Response {
    static func json(_ json: JSON, _ status: HTTPResponse.Status = .ok) -> Response {
        var bytes: [UInt8] = []
        json.write(into: &bytes)
        return text(ByteBuffer(bytes: bytes), type: "application/json", status)
    }

    static func text(_ buffer: ByteBuffer, type: String, _ status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: buffer))
    }
}

/// What travels with a request through middleware and handler.
struct ServeContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    var tenant = Tenant.anybody
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What all requests share.
final class ServerState: Sendable {
    let options: ServerOptions
    let pool: ModelPool
    let keys: KeyRing?
    let admission: Admission
    let connections: Connections
    let metrics: ServeMetrics

    init(_ options: ServerOptions, _ pool: ModelPool, _ keys: KeyRing?) {
        self.options = options
        self.pool = pool
        self.keys = keys
        admission = Admission(promptTokens: options.queuedPromptTokens)
        connections = Connections(perAddress: options.connection.connectionsPerAddress)
        metrics = ServeMetrics()
    }
}
