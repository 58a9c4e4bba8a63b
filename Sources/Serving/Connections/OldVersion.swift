import NIOCore
import NIOHTTP1

/// Speaks HTTP/1.0 with who does: no chunked bodies, and the connection closes after the answer.
///
/// It stands before what makes version-less requests of them. A request of that version needs no Host.
final class OldVersion: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private(set) var isOld = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        // A whole address in place of a path says whose it is, whatever Host says (RFC 9112, 3.2.2).
        if let mark = head.uri.firstRange(of: "://"), !head.uri.hasPrefix("/") {
            head.headers.replaceOrAdd(name: "host", value: String(head.uri[mark.upperBound...].prefix { !"/?#".contains($0) }))
        }
        guard head.version == .http1_0 else { return context.fireChannelRead(wrapInboundOut(.head(head))) }
        isOld = true
        if !head.headers.contains(name: "host") { head.headers.add(name: "host", value: "localhost") }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOld else { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            head.version = .http1_0
            head.headers.remove(name: "transfer-encoding")
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            let written = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(mode: .output, promise: nil) }
            context.write(wrapOutboundOut(.end(nil)), promise: written)
        case .body: context.write(data, promise: promise)
        }
    }
}
