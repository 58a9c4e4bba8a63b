import QuintetFiles
import QuintetGeneration

/// Who looks into an inbox, told once that there is something.
protocol InboxReader: AnyObject, Sendable {
    /// Called by the thread that computes: it has to be quick.
    func somethingCame()
}

/// Where the events of one request's texts lie until somebody looks: put in by the thread that computes, taken out all at once.
final class Inbox: Sendable {
    /// What came, with the number of its choice.
    typealias Entry = (index: Int, event: BatchEvent)

    private struct State: ~Copyable {
        var entries: [Entry] = []
        /// Choices that are not over.
        var open: Int
        var waiter: (least: Int, reader: any InboxReader)?
        var hasFailed = false

        func isReady(_ least: Int) -> Bool { entries.count >= least || open == 0 || hasFailed }
    }
    private let state: Guarded<State>

    init(choices: Int) { state = Guarded(State(open: choices)) }

    func put(_ index: Int, _ event: BatchEvent) {
        let reader = state.withLock { state -> (any InboxReader)? in
            state.entries.append((index, event))
            if event.isLast { state.open -= 1 }
            if case .failed = event { state.hasFailed = true }
            guard let waiter = state.waiter, state.isReady(waiter.least) else { return nil }
            state.waiter = nil
            return waiter.reader
        }
        reader?.somethingCame()
    }

    /// Exchanges everything that came for `entries`, whose room is used for what comes next; whether that is all there will be.
    func take(into entries: inout [Entry]) -> Bool {
        entries.removeAll(keepingCapacity: true)
        return state.withLock { state in
            swap(&state.entries, &entries)
            return state.open == 0
        }
    }

    /// Tells `reader` once, as soon as so many events are there, or the last one, or a failure.
    func tell(_ reader: any InboxReader, atLeast least: Int) {
        let isReady = state.withLock { state in
            if state.isReady(least) { return true }
            state.waiter = (least, reader)
            return false
        }
        if isReady { reader.somethingCame() }
    }

    /// Returns once so many events are there, or the last one, or a failure.
    func wait(atLeast least: Int) async { await withCheckedContinuation { tell(Waiter($0), atLeast: least) } }

    /// The first failure among what is there once anything is; it stays there.
    func earlyFailure() async -> BatchFailure? {
        await wait(atLeast: 1)
        return state.withLock { state in
            for case (_, .failed(let failure)) in state.entries { return failure }
            return nil
        }
    }

    private final class Waiter: InboxReader {
        private let continuation: CheckedContinuation<Void, Never>
        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }
        func somethingCame() { continuation.resume() }
    }
}
