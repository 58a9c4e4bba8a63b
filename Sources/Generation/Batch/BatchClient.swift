import QuintetFiles
import QuintetLayers

/// What everybody but the inference thread sees of an engine: hand in a text, follow it, give it up.
public final class BatchClient: Sendable {
    private let core: BatchCore

    init(_ core: BatchCore) { self.core = core }

    public var limits: BatchLimits { core.limits }
    /// The engine's figures after its last step.
    public var counts: BatchCounts { core.counts }

    /// Puts a text in the queue. It is given up when its stream is no longer followed.
    /// - Throws: `BatchFailure.full` at once where the queue holds as much as it may, `.stopped` where the engine has ended.
    public func submit(_ request: BatchRequest) throws(BatchFailure) -> BatchStream {
        let (events, continuation) = AsyncStream.makeStream(of: BatchEvent.self)
        let text = try submit(request) { event in
            continuation.yield(event)
            if event.isLast { continuation.finish() }
        }
        continuation.onTermination = { reason in if case .cancelled = reason { text.cancel() } }
        return BatchStream(events: events, text: text)
    }

    /// Puts a text in the queue. Its events go to `sink` as they come, on the thread that computes: it has to be quick.
    /// - Throws: as `submit(_:)`.
    public func submit(_ request: BatchRequest, to sink: @escaping @Sendable (BatchEvent) -> Void) throws(BatchFailure) -> BatchText {
        BatchText(core, try core.submit(request, sink))
    }

    /// Whether `submit` would take a text now; asked before a prompt is worked out, so that a full queue is told at once.
    public var hasRoom: Bool { core.hasRoom }

    /// Does something with the engine on the inference thread, between two steps, whatever the batch is doing.
    /// - Throws: what `body` throws, `BatchFailure.stopped` where the engine has ended.
    func perform<Value: Sendable>(_ body: @escaping @Sendable (BatchEngine) throws -> Value) async throws -> Value {
        let core = core
        return try await handedOver { give in
            core.post(.work { engine in give(Result { try engine.map(body) ?? { throw BatchFailure.stopped }() }) })
        }
    }

    /// Ends what runs and lets the model go.
    public func stop() { core.post(.stop) }
}

/// A text that was handed in.
public struct BatchText: Sendable {
    private weak let core: BatchCore?
    private let number: UInt64

    init(_ core: BatchCore, _ number: UInt64) { (self.core, self.number) = (core, number) }

    /// Gives the text up; its place is free after the step that runs now.
    public func cancel() { core?.post(.cancel(number)) }
}

/// A text being made, and what becomes of it.
public struct BatchStream: Sendable {
    public let events: AsyncStream<BatchEvent>
    fileprivate let text: BatchText

    /// Gives the text up, as `BatchText.cancel`.
    public func cancel() { text.cancel() }
}

/// An engine and its letter box.
// Sendable: the engine is touched by the inference thread alone; everything else is behind the lock.
final class BatchCore: @unchecked Sendable {
    enum Letter {
        case add(UInt64, BatchRequest, @Sendable (BatchEvent) -> Void)
        case cancel(UInt64)
        /// Gets nil where the engine has ended.
        case work(@Sendable (BatchEngine?) -> Void)
        case stop
    }

    let limits: BatchLimits
    private let engine: BatchEngine
    /// What is to be done between steps, in the order it came; with `isEnded` the inference thread's own.
    private var works: [@Sendable (BatchEngine?) -> Void] = []
    private var isEnded = false
    private let bell: Wakeup
    private struct State: ~Copyable {
        var letters: [Letter] = []
        var counts = BatchCounts()
        var next: UInt64 = 0
        /// Texts handed in that have not begun: the queue's length, as admission sees it.
        var waiting = 0
        var isDone = false
    }
    private let state = Guarded(State())

    init(_ generator: TextGenerator, _ limits: BatchLimits, _ bell: Wakeup) {
        self.limits = limits
        self.bell = bell
        engine = BatchEngine(generator, limits)
    }

    var counts: BatchCounts { state.withLock { $0.counts } }
    var isDone: Bool { state.withLock { $0.isDone } }

    var hasRoom: Bool {
        state.withLock { state in !state.isDone && state.waiting < limits.queue + limits.parallel - state.counts.running }
    }

    /// The text's number.
    func submit(_ request: BatchRequest, _ sink: @escaping @Sendable (BatchEvent) -> Void) throws(BatchFailure) -> UInt64 {
        let number = state.withLock { state -> Result<UInt64, BatchFailure> in
            if state.isDone { return .failure(.stopped) }
            let waiting = state.waiting
            guard waiting < limits.queue + limits.parallel - state.counts.running else { return .failure(.full(waiting: waiting)) }
            state.next += 1
            state.waiting += 1
            state.letters.append(.add(state.next, request, sink))
            return .success(state.next)
        }
        let given = try number.get()
        bell.ring()
        return given
    }

    func post(_ letter: Letter) {
        let isDone = state.withLock { state in
            if !state.isDone { state.letters.append(letter) }
            return state.isDone
        }
        if isDone { refuse(letter) } else { bell.ring() }
    }

    /// Answers a letter that came too late.
    private func refuse(_ letter: Letter) {
        switch letter {
        case .add(_, _, let sink): sink(.failed(.stopped))
        case .work(let body): body(nil)
        case .cancel, .stop: break
        }
    }

    /// Reads the letters and takes a step; false where there was nothing to do. On the inference thread only.
    func turn() -> Bool {
        let letters = state.withLock { state in
            defer { state.letters.removeAll(keepingCapacity: true) }
            return state.letters
        }
        for letter in letters { isEnded ? refuse(letter) : handle(letter) }
        if engine.hasEnded { publish() }
        let read = workOne()
        guard engine.hasWork else {
            publish()
            return read
        }
        let worked = engine.step(now: .now)
        publish()
        return worked || read
    }

    /// Whether there are texts or other things to do. On the inference thread only.
    var hasWork: Bool { engine.hasWork || !works.isEmpty }

    /// Does one thing that somebody wants done by itself, such as a text that is read: one for each step, so that those who write go on.
    private func workOne() -> Bool {
        guard !works.isEmpty else { return false }
        works.removeFirst()(engine)
        return true
    }

    func shutDown() {
        handle(.stop)
        publish()
    }

    private func handle(_ letter: Letter) {
        switch letter {
        case .add(let number, let request, let sink):
            engine.add(BatchSequence(number, request, engine.tokenizer, vocabulary: engine.model.spec.vocabulary, context: limits.context, sink))
        case .cancel(let number): engine.cancel(number)
        case .work(let body): works.append(body)
        case .stop:
            engine.stop(.stopped)
            for body in works { body(nil) }
            works = []
            isEnded = true
            finish()
        }
    }

    private func finish() {
        let left = state.withLock { state in
            state.isDone = true
            defer { state.letters.removeAll() }
            return state.letters
        }
        for letter in left { refuse(letter) }
    }

    private func publish() {
        engine.counts.running = engine.running.count
        engine.counts.waiting = engine.waiting.count
        engine.counts.cacheUse = min(Double(engine.cache.heldPages) / Double(max(engine.cache.pageCount, 1)), 1)
        let posted = engine.counts
        state.withLock { state in
            state.counts = posted
            state.waiting = posted.waiting + state.letters.reduce(0) { if case .add = $1 { $0 + 1 } else { $0 } }
        }
        engine.tellEnded()
    }
}
