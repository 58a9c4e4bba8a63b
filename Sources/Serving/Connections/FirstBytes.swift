import NIOCore

/// Tells of bytes as they come, before anybody knows what they are: the head of a request begins with the first of them, and a body has to be
/// mostly body. Sends bytes that are framed already.
final class FirstBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var heard: ((ByteBuffer) -> Bool)?
    private var context: ChannelHandlerContext?

    /// `heard` gets the bytes that came; those it answers with false are thrown away. It is let go of with the connection.
    init(_ heard: @escaping (ByteBuffer) -> Bool) { self.heard = heard }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { (self.context, heard) = (nil, nil) }

    /// Sends bytes past every handler that knows of HTTP; false where the reader has to catch up first.
    func send(_ bytes: @autoclosure () -> ByteBuffer) -> Bool {
        guard let context, context.channel.isWritable else { return false }
        context.writeAndFlush(NIOAny(bytes()), promise: nil)
        return true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if heard?(unwrapInboundIn(data)) ?? true { context.fireChannelRead(data) }
    }
}
