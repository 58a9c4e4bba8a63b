import NIOCore

/// Tells of bytes as they come, before anybody knows what they are: the head of a request begins with the first of them, and a body has to be
/// mostly body.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let heard: (ByteBuffer) -> Bool

    /// `heard` gets the bytes that came; those it answers with false are thrown away.
    init(_ heard: @escaping (ByteBuffer) -> Bool) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if heard(unwrapInboundIn(data)) { context.fireChannelRead(data) }
    }
}
