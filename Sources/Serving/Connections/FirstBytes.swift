import NIOCore

/// Tells of bytes as they come, before anybody knows what they are: the head of a request begins with the first of them.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let heard: () -> Void

    init(_ heard: @escaping () -> Void) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard()
        context.fireChannelRead(data)
    }
}
