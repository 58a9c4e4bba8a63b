import HTTPTypes
import QuintetFiles
import QuintetGeneration

/// The texts that answer one request: one for each choice, made side by side.
///
/// The first event of each is awaited before anything is answered, so a request that cannot begin is refused with a status of its own.
struct Making: Sendable {
    let model: ServedModel
    /// Tokens of the prompts, each counted once.
    let promptTokens: Int
    let choices: [BatchStream]
    /// What each will be, so far.
    let texts: [MadeText]
    /// When the first was handed in.
    let start = ContinuousClock.now

    /// Queues the requests.
    /// - Throws: `APIError` where the queue is full or a request cannot be.
    init(_ model: ServedModel, _ requests: [BatchRequest], _ style: ReplyStyle = ReplyStyle()) throws(APIError) {
        self.model = model
        var prompts: [[Int32]] = []
        for request in requests where prompts.last != request.prompt { prompts.append(request.prompt) }
        promptTokens = prompts.reduce(0) { $0 + $1.count }
        texts = requests.map { MadeText(style, stops: $0.options.stops, ends: $0.ends) }
        var choices: [BatchStream] = []
        for request in requests {
            do { choices.append(try model.client.submit(request)) } catch {
                for choice in choices { choice.cancel() }
                throw APIError(error)
            }
        }
        self.choices = choices
    }

    func cancel() { for choice in choices { choice.cancel() } }

    /// Events of all choices as they come, with the number of the choice.
    var events: MakingEvents {
        if choices.count == 1 { return MakingEvents(.one(choices[0].events.makeAsyncIterator())) }
        return MakingEvents(.many(merged.makeAsyncIterator()))
    }

    private var merged: AsyncStream<(index: Int, event: BatchEvent)> {
        AsyncStream { continuation in
            let left = Countdown(choices.count)
            let tasks = choices.enumerated().map { index, choice in
                Task {
                    for await event in choice.events { continuation.yield((index, event)) }
                    if left.isLast() { continuation.finish() }
                }
            }
            continuation.onTermination = { reason in
                if case .cancelled = reason { for task in tasks { task.cancel() } }
            }
        }
    }
}

/// The events of one text or of several.
struct MakingEvents {
    enum Source {
        case one(AsyncStream<BatchEvent>.Iterator)
        case many(AsyncStream<(index: Int, event: BatchEvent)>.Iterator)
    }
    private var source: Source

    init(_ source: Source) { self.source = source }

    mutating func next() async -> (index: Int, event: BatchEvent)? {
        switch source {
        case .one(var iterator):
            let event = await iterator.next()
            source = .one(iterator)
            return event.map { (0, $0) }
        case .many(var iterator):
            let event = await iterator.next()
            source = .many(iterator)
            return event
        }
    }
}

/// Tells the last of several tasks that it is the last.
private final class Countdown: Sendable {
    private let left: Guarded<Int>
    init(_ count: Int) { left = Guarded(count) }
    func isLast() -> Bool {
        left.withLock { left in
            left -= 1
            return left == 0
        }
    }
}

extension APIError {
    /// What a client is told when the engine could not make its text.
    init(_ failure: BatchFailure) {
        switch failure {
        case .full: self = .overloaded("The queue is full.")
        case .waitedTooLong:
            self = APIError(.serviceUnavailable, "service_unavailable", "No place was free in time.", code: "queue_timeout", retryAfter: 2)
        case .tookTooLong:
            self = APIError(.gatewayTimeout, "server_error", "The request took longer than it may.", code: "request_timeout")
        case .cancelled:
            self = APIError(.internalServerError, "server_error", "The request was given up.", code: "cancelled")
        case .stopped:
            self = APIError(.serviceUnavailable, "service_unavailable", "The model was unloaded or the server is shutting down.", code: "stopped", retryAfter: 2)
        case .damaged(let error):
            self = APIError(.internalServerError, "server_error", "\(error)", code: "model_damaged")
        case .refused(let error):
            self = .invalid("\(error)", param: error.option)
        }
    }
}
