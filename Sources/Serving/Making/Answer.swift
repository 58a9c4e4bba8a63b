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
            var (entries, isOver): ([Inbox.Entry], Bool) = ([], false)
            while !isOver {
                await making.inbox.wait(atLeast: Self.together)
                isOver = making.inbox.take(into: &entries)
                for (index, event) in entries {
                    if case .failed(let failure) = event { throw APIError(failure) }
                    _ = follower.take(index, event)
                }
            }
        }
        withExtendedLifetime(ticket) {}
        return .json(follower.whole())
    }

    /// Events that are looked at in one go where nobody waits for each.
    private static let together = 64

    private func streamed(_ making: Making, _ follower: Follower<some Dressing>, _ ticket: Admission.Ticket) async throws -> Response {
        // What cannot begin is refused with a status; only then does the stream open.
        if let failure = await whileConnected(giveUp(making), { await making.inbox.earlyFailure() }) { throw APIError(failure) }
        let channel = context.channel
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                defer { making.cancel() }
                let stream = EventStream(making.inbox, channel, follower.write)
                try await whileConnected(giveUp(making)) {
                    try await withTaskCancellationHandler {
                        while let rest = await stream.run() { if rest.readableBytes > 0 { try await writer.write(rest) } }
                    } onCancel: { making.cancel() }
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
            note(token)
            return dressing.pieces(texts[index].take(token), token, index)
        case .finished(let reason):
            let rest = texts[index].finish(reason) { model.tokenizer.decode($0) }
            return (rest.isEmpty ? [] : dressing.pieces(rest, nil, index)) + dressing.ending(texts[index], index)
        case .failed: return []
        }
    }

    /// Adds what events bring to the stream, and its end where they are the last; whether it is over.
    func write(_ entries: [Inbox.Entry], isLast: Bool, into chunk: inout Chunk) -> Bool {
        for (index, event) in entries {
            switch event {
            case .failed(let failure):
                chunk.append(dressing.failure(APIError(failure)))
                return true
            case .token(let token):
                note(token)
                dressing.write(texts[index].take(token), token, index, into: &chunk)
            case .started, .finished: for event in take(index, event) { chunk.append(event) }
            }
        }
        if isLast {
            finish()
            for event in dressing.closing(texts, usage) { chunk.append(event) }
        }
        return isLast
    }

    private func note(_ token: BatchToken) {
        watch.token(token.moment)
        if firstToken == nil { firstToken = token.moment }
        lastToken = token.moment
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
