import NIOCore

/// Tells of bytes as they come, before anybody knows what they are: the head of a request begins with the first of them, and a body has to be
/// mostly body.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let heard: (Int) -> Bool

    /// `heard` gets the number of bytes that came; those it answers with false are thrown away.
    init(_ heard: @escaping (Int) -> Bool) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if heard(unwrapInboundIn(data).readableBytes) { context.fireChannelRead(data) }
    }
}
