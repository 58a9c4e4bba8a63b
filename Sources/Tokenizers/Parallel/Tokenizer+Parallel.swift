internal import QuintetFiles
import Synchronization

extension Tokenizer {
    /// Bytes of text that a thread takes at a time: small enough that a slow thread holds nobody up.
    static let stretchBytes = 1 << 16

    /// Encodes a long text in stretches that threads take in turn; false (and nothing done) if this tokenizer's words have no safe cuts.
    func encodeInParallel(_ text: TextBytes, _ state: inout EncodeState) -> Bool {
        guard plan.hasSafeCuts else { return false }
        let bytes = UnsafeBufferPointer(start: text.base, count: text.count)
        let stretches = safeStretches(of: bytes, 0..<text.count, bytes: Self.stretchBytes)
        let workers = min(state.threads, stretches.count)
        state.parts.take(&state.sink)
        let threads = state.threads
        state.threads = 1
        withUnsafeMutablePointer(to: &state) { own in
            let work = ParallelEncoding(base: text.base, stretches: stretches, workers: workers, own: own, tokenizer: self)
            runOnThreads(workers) { work.run($0) }
            work.collect(into: &own.pointee.parts)
        }
        state.threads = threads
        return true
    }
}

/// What the encoding threads share: text they only read, the number of the next stretch, and a state for each.
private final class ParallelEncoding: @unchecked Sendable {
    // Safe to share: `borrowed` and `found` are written by element, each by the one thread that took the worker's number or the stretch;
    // `own` is the caller's, who is worker 0 and waits for the others.
    private let base: UnsafePointer<UInt8>
    private let stretches: [Range<Int>]
    private let startsText: Bool
    private let tokenizer: Tokenizer
    private let workers: Int
    private let next = Atomic<Int>(0)
    private let own: UnsafeMutablePointer<EncodeState>
    /// The scratches of workers 1 and on.
    private let borrowed: UnsafeMutablePointer<EncodeScratch?>
    /// For each stretch: whose sink holds its ids, and where.
    private let found: UnsafeMutablePointer<(worker: Int, start: Int, count: Int)>

    init(base: UnsafePointer<UInt8>, stretches: [Range<Int>], workers: Int, own: UnsafeMutablePointer<EncodeState>, tokenizer: Tokenizer) {
        self.base = base
        self.stretches = stretches
        startsText = own.pointee.isStart
        self.tokenizer = tokenizer
        self.workers = workers
        self.own = own
        borrowed = .allocate(capacity: workers)
        borrowed.initialize(repeating: nil, count: workers)
        found = .allocate(capacity: stretches.count)
        found.initialize(repeating: (0, 0, 0), count: stretches.count)
    }

    deinit {
        borrowed.deinitialize(count: workers)
        borrowed.deallocate()
        found.deallocate()
    }

    func run(_ worker: Int) {
        if worker == 0 { return run(worker, &own.pointee) }
        let scratch = tokenizer.takeScratch()
        borrowed[worker] = scratch
        run(worker, &scratch.state)
    }

    private func run(_ worker: Int, _ state: inout EncodeState) {
        state.sink.reserveForText(bytes: (stretches.last?.upperBound ?? 0) / workers + 2 * Tokenizer.stretchBytes)
        while true {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            if number >= stretches.count { return }
            let range = stretches[number]
            let start = state.sink.count
            state.isStart = startsText && number == 0
            tokenizer.encodeWords(TextBytes(base + range.lowerBound, range.count), &state)
            found[number] = (worker, start, state.sink.count - start)
        }
    }

    /// Hands the ids over in the order of the text, with the memory they lie in, and gives the scratches back.
    func collect(into parts: inout IDParts) {
        let sinks = (0..<workers).map { $0 == 0 ? own.pointee.sink.base : borrowed[$0]?.state.sink.base }
        for number in stretches.indices {
            let (worker, start, count) = found[number]
            if let base = sinks[worker] { parts.add(UnsafeBufferPointer(start: base + start, count: count)) }
        }
        parts.keep(&own.pointee.sink)
        for worker in 1..<max(workers, 1) {
            guard let scratch = borrowed[worker] else { continue }
            parts.keep(&scratch.state.sink)
            tokenizer.giveBack(scratch)
        }
    }
}
