import QuintetFiles
import QuintetGeneration

/// Puts a server under load and tells how long its users wait.
public enum LoadTest {
    /// Runs all requests; `progress` gets the number that are done.
    public static func run(_ options: LoadOptions, progress: @escaping @Sendable (Int) -> Void = { _ in }) async -> LoadReport {
        let start = ContinuousClock.now
        let samples = LoadSamples()
        let done: @Sendable (LoadSample) -> Void = { progress(samples.add($0)) }
        switch options.arrival {
        case .closed(let clients): await closed(options, clients, done)
        case .open(let rate): await open(options, rate, start, done)
        }
        return LoadReport(samples.all, seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    private static func closed(_ options: LoadOptions, _ clients: Int, _ done: @escaping @Sendable (LoadSample) -> Void) async {
        let next = LoadCounter()
        await withDiscardingTaskGroup { group in
            for _ in 0..<min(clients, options.requests) {
                group.addTask {
                    try? await SystemThread.run {
                        while true {
                            let number = next.take()
                            if number >= options.requests { return }
                            done(LoadRequest(options: options, number: number).run(due: .now))
                        }
                    }
                }
            }
        }
    }

    /// Requests that may be on their way at once, each with a thread: who has not been answered by then will not be soon.
    private static let mostInFlight = 4096

    private static func open(
        _ options: LoadOptions, _ rate: Double, _ start: ContinuousClock.Instant, _ done: @escaping @Sendable (LoadSample) -> Void
    ) async {
        var due = start
        let inFlight = LoadCounter()
        let ended = LoadCounter()
        await withDiscardingTaskGroup { group in
            for number in 0..<options.requests {
                let uniform = Double(LoadRequest.mixed(options.seed &* 31 &+ UInt64(number)) >> 11) * 0x1p-53
                due += .seconds(-logarithm(1 - uniform) / rate)
                try? await Task.sleep(until: due)
                let moment = due
                guard inFlight.take() - ended.count < Self.mostInFlight else {
                    _ = ended.take()
                    done(LoadSample())
                    continue
                }
                group.addTask {
                    defer { _ = ended.take() }
                    do { try await SystemThread.run { done(LoadRequest(options: options, number: number).run(due: moment)) } } catch { done(LoadSample()) }
                }
            }
        }
    }
}

/// Numbers of requests, each given once.
private final class LoadCounter: Sendable {
    private let next = Guarded(0)

    /// How many were given.
    var count: Int { next.withLock { $0 } }

    func take() -> Int {
        next.withLock { next in
            defer { next += 1 }
            return next
        }
    }
}

/// What the requests saw, in the order they ended.
private final class LoadSamples: Sendable {
    private let samples = Guarded<[LoadSample]>([])

    var all: [LoadSample] { samples.withLock { $0 } }

    /// The number there are now.
    func add(_ sample: LoadSample) -> Int {
        samples.withLock { samples in
            samples.append(sample)
            return samples.count
        }
    }
}
