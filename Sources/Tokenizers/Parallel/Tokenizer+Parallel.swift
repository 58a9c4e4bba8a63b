extension Tokenizer {
    /// Bytes from which on a stretch of text is worth a second thread.
    static let stretchBytes = 1 << 17

    /// Encodes a long text in one stretch a thread; false (and nothing done) if this tokenizer's words have no safe cuts.
    func encodeInParallel(_ text: TextBytes, _ state: inout EncodeState) -> Bool {
        guard plan.pattern != nil || plan.cutsAtMetaspace else { return false }
        let workers = min(state.threads, text.count / Self.stretchBytes)
        let bytes = UnsafeBufferPointer(start: text.base, count: text.count)
        let stretches = safeStretches(of: bytes, 0..<text.count, bytes: (text.count + workers - 1) / workers)
        let work = ParallelEncoding(
            base: text.base, stretches: stretches, scratches: stretches.map { _ in takeScratch() }, tokenizer: self)
        runOnThreads(stretches.count) { work.run($0) }
        for scratch in work.scratches {
            state.sink.append(UnsafeBufferPointer(start: scratch.state.sink.base, count: scratch.state.sink.count))
            giveBack(scratch)
        }
        return true
    }
}

/// What the encoding threads share: text they only read, and a scratch for each.
private struct ParallelEncoding: @unchecked Sendable {
    let base: UnsafePointer<UInt8>
    let stretches: [Range<Int>]
    let scratches: [EncodeScratch]
    let tokenizer: Tokenizer

    func run(_ worker: Int) {
        let range = stretches[worker]
        tokenizer.encodeWords(TextBytes(base + range.lowerBound, range.count), &scratches[worker].state)
    }
}
