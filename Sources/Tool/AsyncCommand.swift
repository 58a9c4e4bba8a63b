import ArgumentParser
import Dispatch
import QuintetFiles

/// A command that waits for others while it runs: the main thread waits for it, so nothing changes for commands that compute.
protocol AsyncCommand: ParsableCommand, Sendable {
    func work() async throws
}

extension AsyncCommand {
    func run() throws {
        let outcome = Outcome()
        Task {
            do { try await work() } catch { outcome.error.withLock { $0 = error } }
            outcome.done.signal()
        }
        outcome.done.wait()
        if let error = outcome.error.withLock({ $0 }) { throw error }
    }
}

private final class Outcome: Sendable {
    let error = Guarded<(any Error)?>(nil)
    let done = DispatchSemaphore(value: 0)
}
