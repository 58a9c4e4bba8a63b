import NIOCore
import QuintetFiles
import QuintetGeneration

/// Sends the events of a request as they come, on its connection's own event loop: all that came together in one piece, past tasks and handlers that
/// have nothing to add to it. Where the reader is slow, and for the end, the pieces go the long way.
// Sendable: everything but the inbox is touched on the event loop only.
final class EventStream: InboxReader, @unchecked Sendable {
    /// Adds events to a piece; it is told whether they are the last, and tells whether the stream is over.
    typealias Writer = ([Inbox.Entry], _ isLast: Bool, _ chunk: inout Chunk) -> Bool

    private let inbox: Inbox
    private let channel: any Channel
    private let loop: any EventLoop
    private let write: Writer
    private var connection: ConnectionGuard?
    private var waiting: CheckedContinuation<ByteBuffer?, Never>?
    private var isOver = false
    // Used again for every piece.
    private var entries: [Inbox.Entry] = []
    private var chunk = Chunk()

    init(_ inbox: Inbox, _ channel: any Channel, _ write: @escaping Writer) {
        self.inbox = inbox
        self.channel = channel
        self.write = write
        loop = channel.eventLoop
    }

    /// Sends what comes until there is something that has to go the long way; nil once the stream is over.
    func run() async -> ByteBuffer? {
        await withCheckedContinuation { continuation in
            if loop.inEventLoop { begin(continuation) } else { loop.execute { self.begin(continuation) } }
        }
    }

    private func begin(_ continuation: CheckedContinuation<ByteBuffer?, Never>) {
        if isOver { return continuation.resume(returning: nil) }
        waiting = continuation
        if connection == nil { connection = try? channel.pipeline.syncOperations.handler(type: ConnectionGuard.self) }
        inbox.tell(self, atLeast: 1)
    }

    func somethingCame() { loop.execute { self.send() } }

    private func send() {
        let isLast = inbox.take(into: &entries)
        chunk.clear()
        isOver = write(entries, isLast, &chunk)
        if isOver || !chunk.isEmpty && connection?.send(chunk) != true {
            waiting?.resume(returning: chunk.body)
            waiting = nil
        } else {
            inbox.tell(self, atLeast: 1)
        }
    }
}

/// A piece of a streamed body: server-sent events.
struct Chunk {
    private var bytes: [UInt8] = []

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    var isEmpty: Bool { bytes.isEmpty }
    var body: ByteBuffer { ByteBuffer(bytes: bytes) }

    mutating func append(_ event: ServerEvent) {
        if let name = event.name { bytes += "event: \(name)\n".utf8 }
        append(event.data, nil, [])
    }

    /// An event without a name; its data is JSON between bytes.
    mutating func append(_ before: [UInt8], _ json: JSON?, _ after: [UInt8]) {
        bytes += Self.data
        bytes += before
        json?.write(into: &bytes)
        bytes += after
        bytes.append(10)
        bytes.append(10)
    }

    private static let data = Array("data: ".utf8)

    /// As it stands on the wire: its length, itself, a line's end (RFC 9112, 7.1).
    var framed: ByteBuffer {
        var out = ByteBufferAllocator().buffer(capacity: bytes.count + 20)
        out.writeString(String(bytes.count, radix: 16))
        out.writeStaticString("\r\n")
        out.writeBytes(bytes)
        out.writeStaticString("\r\n")
        return out
    }
}
