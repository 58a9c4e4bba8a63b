internal import QuintetFiles
import Synchronization

extension Tokenizer {
    /// Bytes of text that a thread takes at a time: small enough that a slow thread holds nobody up.
    static let stretchBytes = 1 << 17

    /// Encodes a long text in stretches that threads take in turn; false (and nothing done) if this tokenizer's words have no safe cuts.
    func encodeInParallel(_ text: TextBytes, _ state: inout EncodeState) -> Bool {
        guard plan.hasSafeCuts else { return false }
        let bytes = UnsafeBufferPointer(start: text.base, count: text.count)
        let stretches = safeStretches(of: bytes, 0..<text.count, bytes: Self.stretchBytes)
        let workers = min(state.threads, stretches.count)
        let work = ParallelEncoding(base: text.base, stretches: stretches, startsText: state.isStart, workers: workers, tokenizer: self)
        runOnThreads(workers) { work.run($0) }
        work.collect(into: &state.sink)
        return true
    }
}

/// What the encoding threads share: text they only read, the number of the next stretch, and a scratch for each.
private final class ParallelEncoding: @unchecked Sendable {
    // Safe to share: `scratches` and `found` are written by element, each by the one thread that took the worker's number or the stretch.
    private let base: UnsafePointer<UInt8>
    private let stretches: [Range<Int>]
    private let startsText: Bool
    private let tokenizer: Tokenizer
    private let next = Atomic<Int>(0)
    private let scratches: [EncodeScratch]
    /// For each stretch: whose sink holds its ids, and where.
    private let found: UnsafeMutablePointer<(worker: Int, start: Int, count: Int)>

    init(base: UnsafePointer<UInt8>, stretches: [Range<Int>], startsText: Bool, workers: Int, tokenizer: Tokenizer) {
        self.base = base
        self.stretches = stretches
        self.startsText = startsText
        self.tokenizer = tokenizer
        scratches = (0..<workers).map { _ in tokenizer.takeScratch() }
        found = .allocate(capacity: stretches.count)
        found.initialize(repeating: (0, 0, 0), count: stretches.count)
    }

    deinit { found.deallocate() }

    func run(_ worker: Int) {
        let scratch = scratches[worker]
        while true {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            if number >= stretches.count { return }
            let range = stretches[number]
            let start = scratch.state.sink.count
            scratch.state.isStart = startsText && number == 0
            tokenizer.encodeWords(TextBytes(base + range.lowerBound, range.count), &scratch.state)
            found[number] = (worker, start, scratch.state.sink.count - start)
        }
    }

    /// Appends the ids in the order of the text and gives the scratches back.
    func collect(into sink: inout IDSink) {
        sink.reserve(scratches.reduce(0) { $0 + $1.state.sink.count })
        for number in stretches.indices {
            let (worker, start, count) = found[number]
            sink.append(UnsafeBufferPointer(start: scratches[worker].state.sink.base + start, count: count))
        }
        for scratch in scratches { tokenizer.giveBack(scratch) }
    }
}
