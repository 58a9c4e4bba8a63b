import QuintetFiles
import QuintetGeneration

/// Where the events of one request's texts lie until somebody looks: put in by the thread that computes, taken out all at once.
final class Inbox: Sendable {
    /// What came, with the number of its choice.
    typealias Entry = (index: Int, event: BatchEvent)

    private struct State: ~Copyable {
        var entries: [Entry] = []
        /// Choices that are not over.
        var open: Int
        var waiter: (least: Int, call: @Sendable () -> Void)?
        var hasFailed = false

        func isReady(_ least: Int) -> Bool { entries.count >= least || open == 0 || hasFailed }
    }
    private let state: Guarded<State>

    init(choices: Int) { state = Guarded(State(open: choices)) }

    func put(_ index: Int, _ event: BatchEvent) {
        let call = state.withLock { state -> (@Sendable () -> Void)? in
            state.entries.append((index, event))
            if event.isLast { state.open -= 1 }
            if case .failed = event { state.hasFailed = true }
            guard let waiter = state.waiter, state.isReady(waiter.least) else { return nil }
            state.waiter = nil
            return waiter.call
        }
        call?()
    }

    /// Everything that came, and whether that is all there will be.
    func take() -> (entries: [Entry], isOver: Bool) {
        state.withLock { state in
            let entries = state.entries
            state.entries = []
            return (entries, state.open == 0)
        }
    }

    /// Calls `body` once, as soon as so many events are there, or the last one, or a failure.
    func when(atLeast least: Int, _ body: @escaping @Sendable () -> Void) {
        let isReady = state.withLock { state in
            if state.isReady(least) { return true }
            state.waiter = (least, body)
            return false
        }
        if isReady { body() }
    }

    /// What is there once it is so many events, or all there will be.
    func next(atLeast least: Int) async -> (entries: [Entry], isOver: Bool) {
        await wait(atLeast: least)
        return take()
    }

    /// The first failure among what is there once anything is; it stays there.
    func earlyFailure() async -> BatchFailure? {
        await wait(atLeast: 1)
        return state.withLock { state in
            for case (_, .failed(let failure)) in state.entries { return failure }
            return nil
        }
    }

    private func wait(atLeast least: Int) async {
        await withCheckedContinuation { continuation in when(atLeast: least) { continuation.resume() } }
    }
}
