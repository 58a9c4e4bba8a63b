extension Tokenizer {
    /// Bytes that one thread takes at a time.
    static let stretchBytes = 1 << 17

    /// Encodes a long text in stretches on several threads; false (and nothing done) if this tokenizer's words have no safe cuts.
    func encodeInParallel(_ text: TextBytes, _ state: inout EncodeState) -> Bool {
        guard plan.pattern != nil || plan.cutsAtMetaspace else { return false }
        let bytes = UnsafeBufferPointer(start: text.base, count: text.count)
        let stretches = safeStretches(of: bytes, 0..<text.count, bytes: Self.stretchBytes)
        let workers = min(state.threads, stretches.count)
        let work = ParallelEncoding(
            base: text.base, stretches: stretches, results: .allocate(capacity: stretches.count), tokenizer: self,
            workers: workers)
        work.results.initialize(repeating: [], count: stretches.count)
        runOnThreads(workers) { work.run($0) }
        for index in stretches.indices { work.results[index].withUnsafeBufferPointer { state.sink.append($0) } }
        work.results.deinitialize(count: stretches.count)
        work.results.deallocate()
        return true
    }
}

/// What the encoding threads share: text they only read, and a result for each stretch, written by one of them.
private struct ParallelEncoding: @unchecked Sendable {
    let base: UnsafePointer<UInt8>
    let stretches: [Range<Int>]
    let results: UnsafeMutablePointer<[Int32]>
    let tokenizer: Tokenizer
    let workers: Int

    func run(_ worker: Int) {
        let scratch = tokenizer.takeScratch()
        for index in stride(from: worker, to: stretches.count, by: workers) {
            scratch.state.sink.count = 0
            tokenizer.encodeWords(TextBytes(base + stretches[index].lowerBound, stretches[index].count), &scratch.state)
            results[index] = Array(UnsafeBufferPointer(start: scratch.state.sink.base, count: scratch.state.sink.count))
        }
        tokenizer.giveBack(scratch)
    }
}
