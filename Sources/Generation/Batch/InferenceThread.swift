public import QuintetFiles

/// The one thread that runs models: every loaded engine takes its step in turn, and the thread sleeps when none has work.
///
/// ```swift
/// let thread = try InferenceThread()
/// let client = thread.attach(generator, BatchLimits(context: 2048))
/// for await event in client.submit(BatchRequest(prompt: [1, 403])).events { ... }
/// ```
public final class InferenceThread: Sendable {
    private struct State: ~Copyable {
        var cores: [BatchCore] = []
        var isStopped = false
    }
    private let state = Guarded(State())
    let bell = Wakeup()

    /// - Throws: `SystemThread.NoneLeft` where the system gives no thread.
    public init() throws(SystemThread.NoneLeft) {
        try SystemThread.start(.yielding) { self.loop() }
    }

    /// Takes a model on; it runs until its client is told to stop.
    public func attach(_ generator: TextGenerator, _ limits: BatchLimits) -> BatchClient {
        let core = BatchCore(generator, limits, bell)
        state.withLock { $0.cores.append(core) }
        return BatchClient(core)
    }

    /// Ends every text and the thread.
    public func stop() {
        state.withLock { $0.isStopped = true }
        bell.ring()
    }

    private func loop() {
        while true {
            let (cores, stopped) = state.withLock { ($0.cores, $0.isStopped) }
            if stopped {
                for core in cores { core.shutDown() }
                return
            }
            var worked = false
            for core in cores { worked = core.turn() || worked }
            state.withLock { state in state.cores.removeAll { $0.isDone } }
            if worked { continue }
            // Who waits for a place is given up in time; where nobody does, nothing happens until somebody rings.
            if cores.contains(where: \.hasWork) { bell.wait(milliseconds: 250) } else { bell.wait() }
        }
    }
}
