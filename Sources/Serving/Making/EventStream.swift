import NIOCore
import QuintetGeneration

/// Sends the events of a request as they come, on its connection's own event loop: all that came together in one piece, past tasks and handlers that
/// have nothing to add to it. Where the reader is slow, and for the end, the pieces go the long way.
// Sendable: everything but the inbox is touched on the event loop only.
final class EventStream: @unchecked Sendable {
    private let inbox: Inbox
    private let channel: any Channel
    private let make: ([Inbox.Entry], Bool) -> (chunk: Chunk, isOver: Bool)
    private var connection: ConnectionGuard?
    private var waiting: CheckedContinuation<ByteBuffer?, Never>?
    private var isOver = false
    /// Made once: it is handed in for every event.
    private var onEvent: @Sendable () -> Void = {}

    /// `make` makes bytes of events; it is told whether they are the last, and tells whether the stream is over.
    init(_ inbox: Inbox, _ channel: any Channel, _ make: @escaping ([Inbox.Entry], Bool) -> (chunk: Chunk, isOver: Bool)) {
        self.inbox = inbox
        self.channel = channel
        self.make = make
    }

    /// Sends what comes until there is something that has to go the long way; nil once the stream is over.
    func run() async -> ByteBuffer? {
        await withCheckedContinuation { continuation in
            let loop = channel.eventLoop
            if loop.inEventLoop { begin(continuation) } else { loop.execute { self.begin(continuation) } }
        }
    }

    private func begin(_ continuation: CheckedContinuation<ByteBuffer?, Never>) {
        if isOver { return continuation.resume(returning: nil) }
        waiting = continuation
        if connection == nil {
            connection = try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self)
            let loop = channel.eventLoop
            onEvent = { [weak self] in
                guard let self else { return }
                loop.execute { self.send() }
            }
        }
        inbox.when(atLeast: 1, onEvent)
    }

    private func send() {
        let (entries, isLast) = inbox.take()
        let (chunk, isOver) = make(entries, isLast)
        self.isOver = isOver
        if isOver || !chunk.isEmpty && connection?.send(chunk) != true {
            (onEvent, connection) = isOver ? ({}, nil) : (onEvent, connection)
            waiting?.resume(returning: chunk.body)
            waiting = nil
        } else {
            inbox.when(atLeast: 1, onEvent)
        }
    }
}

/// A piece of a streamed body: server-sent events, with room before them for the frame that HTTP/1.1 puts around a piece.
struct Chunk {
    private var bytes: ByteBuffer
    /// Hexadecimal digits of any length, and the line's end.
    private static let room = 18

    init() {
        bytes = ByteBufferAllocator().buffer(capacity: 512)
        bytes.writeRepeatingByte(0, count: Self.room)
        bytes.moveReaderIndex(to: Self.room)
    }

    var isEmpty: Bool { bytes.readableBytes == 0 }
    /// Without its frame.
    var body: ByteBuffer { bytes }

    mutating func append(_ event: ServerEvent) {
        if let name = event.name {
            bytes.writeStaticString("event: ")
            bytes.writeString(name)
            bytes.writeStaticString("\n")
        }
        bytes.writeStaticString("data: ")
        bytes.writeBytes(event.data)
        bytes.writeStaticString("\n\n")
    }

    /// As it stands on the wire: its length, itself, a line's end (RFC 9112, 7.1).
    var framed: ByteBuffer {
        var out = bytes
        let head = String(bytes.readableBytes, radix: 16) + "\r\n"
        out.moveReaderIndex(to: Self.room - head.utf8.count)
        out.setString(head, at: out.readerIndex)
        out.writeStaticString("\r\n")
        return out
    }
}
