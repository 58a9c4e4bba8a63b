import HTTPTypes
import Hummingbird
import NIOCore
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

extension Call {
    /// Answers with texts in the making: streamed, or whole. The ticket is held until the last of it is written.
    func answer(_ making: Making, isStreamed: Bool, _ dressing: some Dressing, _ ticket: Admission.Ticket) async throws -> Response {
        let follower = Follower(making, server.metrics, dressing)
        if isStreamed { return try await streamed(making, follower, ticket) }
        defer { making.cancel() }
        try await whileConnected(giveUp(making)) {
            var events = making.events
            while let (index, event) = await events.next() {
                if case .failed(let failure) = event { throw APIError(failure) }
                _ = follower.take(index, event)
            }
        }
        withExtendedLifetime(ticket) {}
        return .json(follower.whole())
    }

    private func streamed(_ making: Making, _ follower: Follower<some Dressing>, _ ticket: Admission.Ticket) async throws -> Response {
        // What cannot begin is refused with a status; only then does the stream open.
        let rest = Rest(making)
        let first = await whileConnected(giveUp(making)) { await rest.begin() }
        if case .failed(let failure)? = first?.event { throw APIError(failure) }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                defer { making.cancel() }
                try await whileConnected(giveUp(making)) {
                    var (next, events) = (first, rest.take())
                    while let (index, event) = next {
                        if case .failed(let failure) = event { return try await writer.send([follower.failure(failure)]) }
                        try await writer.send(follower.take(index, event))
                        next = await events.next()
                    }
                    try await writer.send(follower.closing())
                }
                try await writer.finish(nil)
                withExtendedLifetime(ticket) {}
            })
    }
}

extension Call {
    /// What is done when the client is gone.
    private func giveUp(_ making: Making) -> @Sendable () -> Void {
        { [server] in
            server.metrics.disconnected()
            making.cancel()
        }
    }
}

extension ResponseBodyWriter {
    /// Writes events as one buffer.
    fileprivate mutating func send(_ events: [ServerEvent]) async throws {
        if events.isEmpty { return }
        var buffer = ByteBuffer()
        for event in events {
            if let name = event.name { buffer.writeString("event: \(name)\n") }
            buffer.writeString("data: ")
            buffer.writeString(event.data)
            buffer.writeString("\n\n")
        }
        try await write(buffer)
    }
}

/// Follows the texts of one request: what they hold, how long they took.
// Sendable: used by the handler, then by the writer that runs after it.
private final class Follower<D: Dressing>: @unchecked Sendable {
    private var texts: [MadeText]
    private var dressing: D
    private var usage: Usage
    private let start: ContinuousClock.Instant
    private var firstToken: ContinuousClock.Instant?
    private var lastToken: ContinuousClock.Instant?
    private let watch: ServeMetrics.Watch
    private let model: ServedModel

    init(_ making: Making, _ metrics: ServeMetrics, _ dressing: D) {
        self.dressing = dressing
        model = making.model
        texts = making.texts
        usage = Usage(prompt: making.promptTokens)
        start = making.start
        watch = metrics.watch(making.model.name, since: making.start)
    }

    /// What an event adds to the stream.
    func take(_ index: Int, _ event: BatchEvent) -> [ServerEvent] {
        switch event {
        case .started(let cached):
            usage.cached = max(usage.cached, cached)
            return dressing.opening(index, usage)
        case .token(let token):
            watch.token(token.moment)
            firstToken = firstToken ?? token.moment
            lastToken = token.moment
            return dressing.pieces(texts[index].take(token), token, index)
        case .finished(let reason):
            let rest = texts[index].finish(reason) { model.tokenizer.decode($0) }
            return (rest.isEmpty ? [] : dressing.pieces(rest, nil, index)) + dressing.ending(texts[index], index)
        case .failed: return []
        }
    }

    func failure(_ failure: BatchFailure) -> ServerEvent { dressing.failure(APIError(failure)) }

    func closing() -> [ServerEvent] {
        finish()
        return dressing.closing(texts, usage)
    }

    func whole() -> JSON {
        finish()
        return dressing.whole(texts, usage)
    }

    private func finish() {
        let now = ContinuousClock.now
        usage.completion = texts.reduce(0) { $0 + $1.ids.count }
        usage.promptSeconds = ((firstToken ?? now) - start) / .seconds(1)
        usage.completionSeconds = ((lastToken ?? now) - (firstToken ?? now)) / .seconds(1)
        watch.finish(reason: texts.first?.reason)
    }
}

/// Events on their way into the closure that uses them up.
// Sendable: begun by the handler, taken once by the writer that runs after it.
private final class Rest: @unchecked Sendable {
    private var events: MakingEvents

    init(_ making: Making) { events = making.events }

    func begin() async -> (index: Int, event: BatchEvent)? { await events.next() }
    func take() -> MakingEvents { events }
}
