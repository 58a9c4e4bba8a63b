import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import QuintetFiles

/// Deadlines of one connection: its head, its body's pace, a reader that does not read, the pause between requests.
///
/// It stands behind the HTTP decoder. A connection that misses a deadline is closed; the ones beside it never notice.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private let connections: Connections
    /// Requests whose answer is not whole yet; clients may send the next ones meanwhile.
    private var unanswered = 0
    /// The body that is coming: bytes so far, those of them that had come when its pace was last looked at, with what frames them.
    private var body: (bytes: Int, seen: Int, raw: Int)?
    /// Whether the answer to what comes has begun.
    private var isAnswering = false
    /// Nothing more is read or written: what came was no HTTP, or the connection has had its requests.
    private var isEnding = false
    private var timer: Scheduled<Void>?
    private var stall: Scheduled<Void>?
    /// Too many others are here: what is asked gets that answer.
    private var isRefused = false
    private var refusesBody = false
    private var isHeadComing = false
    /// The bytes that a request begins with, as far as its first line reaches; nil where an earlier one is still being answered.
    private var firstLine: ByteBuffer?
    private var requests = 0
    private var bytes: FirstBytes?
    private var version: OldVersion?
    private var line: Connections.Line?
    private static let lingerSeconds: Int64 = 5
    /// What is still taken and thrown away of a body that nobody wants.
    private static let lingerBytes = 1 << 20
    private var lingered = 0
    /// Bytes that frame a body, beside one for each byte of it. A chunk of one byte takes six: each is an event of its own, and a body of
    /// nothing else would keep the loop busy for seconds.
    private static let framingBytes = 64 << 10

    init(_ limits: ConnectionLimits, _ connections: Connections) {
        self.limits = limits
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        let bytes = FirstBytes { [self] in bytesCame(context, $0) }
        // Behind TLS, whose records are nobody's framing, and before all that knows of HTTP.
        guard let encoder = try? pipeline.handler(type: HTTPResponseEncoder.self), let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) else {
            return context.close(promise: nil)
        }
        let version = OldVersion()
        try? pipeline.addHandler(bytes, position: .before(encoder))
        try? pipeline.addHandler(version, position: .before(codec))
        (self.bytes, self.version) = (bytes, version)
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard line == nil else { return }
        guard let line = connections.open(context.channel) else {
            context.close(promise: nil)
            return
        }
        self.line = line
        isRefused = connections.isCrowded
        schedule(context, isRefused ? 1 : limits.headSeconds)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context)
        (bytes, version) = (nil, nil)
    }

    private func end(_ context: ChannelHandlerContext) {
        timer?.cancel()
        stall?.cancel()
        if let line { connections.close(line, context.channel) }
        line = nil
    }

    // MARK: What comes

    /// Looks at bytes before the decoder does; false for those that nobody reads any more.
    private func bytesCame(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) -> Bool {
        let count = bytes.readableBytes
        if isEnding { return drop(context, count) }
        if body == nil, unanswered == 0 { extendFirstLine(bytes) }
        if let body {
            if body.raw > 2 * body.bytes + Self.framingBytes {
                errorCaught(context: context, error: HTTPParserError.invalidChunkSize)
                return false
            }
            self.body?.raw += count
        } else if requests > 0, unanswered == 0, !isHeadComing {
            // The head of one more request begins: it has as long as the first one's.
            isHeadComing = true
            schedule(context, limits.headSeconds)
        }
        return true
    }

    private func extendFirstLine(_ bytes: ByteBuffer) {
        guard let line = firstLine else { return firstLine = bytes }
        if !isWhole(line), line.readableBytes <= limits.uriBytes { firstLine?.writeImmutableBuffer(bytes) }
    }

    private func isWhole(_ line: ByteBuffer) -> Bool { line.readableBytesView.prefix(limits.uriBytes).contains(10) }

    /// Throws away what still comes, and hangs up on who goes on and on.
    private func drop(_ context: ChannelHandlerContext, _ count: Int) -> Bool {
        lingered += count
        if lingered > Self.lingerBytes { context.close(promise: nil) }
        return false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isEnding { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            requests += 1
            unanswered += 1
            isHeadComing = false
            firstLine = nil
            body = (0, 0, 0)
            if isRefused { return refuse(context, .overloaded("The server has as many connections as it may.")) }
            schedule(context, limits.bodySeconds)
            if asksFirst(head) { context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil) }
        case .body(let buffer): body?.bytes += buffer.readableBytes
        case .end:
            body = nil
            timer?.cancel()
            // It was answered before it was whole.
            if unanswered == 0 { schedule(context, limits.idleSeconds) }
        }
        context.fireChannelRead(data)
    }

    /// Whether the client waits to hear that its body is welcome; one that is too long hears otherwise.
    private func asksFirst(_ head: HTTPRequest) -> Bool {
        guard head.headerFields[.expect]?.lowercased() == "100-continue" else { return false }
        return head.headerFields[.contentLength].flatMap { Int($0) }.map { $0 <= limits.bodyBytes } ?? true
    }

    /// What is no HTTP is answered once, as far as that is possible, and ends the connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, !isEnding, !isAnswering, unanswered <= (body == nil ? 0 : 1) else {
            return context.close(promise: nil)
        }
        if error == .invalidMethod, let failure = unknownMethod { return refuse(context, failure) }
        let isTooLarge = error == .headerOverflow
        if isTooLarge, let firstLine, !isWhole(firstLine) { return refuse(context, .uriTooLong(limits.uriBytes)) }
        refuse(
            context,
            APIError(
                isTooLarge ? .requestHeaderFieldsTooLarge : .badRequest, "invalid_request_error",
                isTooLarge ? "The header is larger than \(limits.headerBytes) bytes or has more than \(limits.headerFields) fields." : "This is no HTTP request.",
                code: isTooLarge ? "header_too_large" : "malformed_request"))
    }

    /// For a request in a method that no decoder knows, of a path that is there: what it can be asked instead.
    private var unknownMethod: APIError? {
        let line = firstLine?.readableBytesView.prefix(limits.uriBytes).prefix { $0 != 13 && $0 != 10 } ?? []
        let parts = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1."), parts[0].utf8.allSatisfy(Self.isTokenByte) else { return nil }
        let path = String(parts[1].prefix { $0 != "?" })
        return Routes.isThere(path) ? .notAllowed(parts[0], path) : nil
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    /// Answers once, without the router, and ends the connection.
    private func refuse(_ context: ChannelHandlerContext, _ failure: APIError) {
        isEnding = true
        var head = HTTPResponse(status: failure.status)
        head.headerFields = [.connection: "close", .contentType: "application/json"]
        for field in failure.headers { head.headerFields[field.name] = field.value }
        head.headerFields[Gate.idName] = randomName()
        let body = ByteBuffer(string: failure.openAI.serialized())
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        lingerAndClose(context)
    }

    /// The other side sends no more: whoever makes a long answer for it is told.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { line?.leave() }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: What goes

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isEnding {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let isLast = requests >= limits.requestsPerConnection || refusesBody
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isAnswering = true
            // Nobody reads the rest of a body whose request is refused.
            refusesBody = head.status.code >= 400 && body != nil
            if isLast || refusesBody { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            isAnswering = false
            unanswered -= 1
            if unanswered == 0 { schedule(context, body == nil ? limits.idleSeconds : Self.lingerSeconds) }
            context.write(data, promise: promise)
            if isLast, unanswered == 0 { lingerAndClose(context) }
        default: context.write(data, promise: promise)
        }
    }

    /// Sends a piece of the answer that is on its way; false where it has to go through the pipeline: it is not framed, the reader is slow, or it is over.
    func send(_ chunk: Chunk) -> Bool {
        guard isAnswering, !isEnding, let bytes, let version, !version.isOld else { return false }
        return bytes.send(chunk.framed)
    }

    /// Sends what was written and that it is the end; what still comes is thrown away for a moment, so that the answer arrives.
    private func lingerAndClose(_ context: ChannelHandlerContext) {
        isEnding = true
        context.flush()
        context.close(mode: .output, promise: nil)
        schedule(context, Self.lingerSeconds)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = nil
        if !context.channel.isWritable {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            stall = context.eventLoop.scheduleTask(in: .seconds(limits.writeStallSeconds)) { bound.value.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Time

    private func schedule(_ context: ChannelHandlerContext, _ seconds: Int64) {
        timer?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: .seconds(seconds)) { bound.value.0.expire(bound.value.1) }
    }

    private func expire(_ context: ChannelHandlerContext) {
        guard !isEnding, unanswered > 0 else { return context.close(promise: nil) }
        guard let body else { return }
        // What came fast at first buys no time later.
        guard body.bytes - body.seen >= limits.bodyRate * Int(limits.bodySeconds) else { return context.close(promise: nil) }
        self.body?.seen = body.bytes
        schedule(context, limits.bodySeconds)
    }
}
