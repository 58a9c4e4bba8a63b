public import QuintetFiles

/// Learns a byte-level BPE tokenizer from text.
///
/// ```swift
/// var trainer = BPETrainer(vocabularySize: 8192, specialTokens: ["<|endoftext|>"])
/// trainer.add("text of a document")
/// let tokenizer = try trainer.train(threads: 2)
/// try tokenizer.save(to: "tokenizer")
/// ```
/// The result depends on the texts alone: not on their order, not on the threads. It equals that of the `tokenizers`
/// library (`BpeTrainer` with `ByteLevel.alphabet()`): same vocabulary, same merges, same ids.
public struct BPETrainer: @unchecked Sendable {
    // Safe to share: `counter`'s memory is changed only by mutating methods.
    public let vocabularySize: Int
    public let specialTokens: [String]
    public let pattern: PreTokenizationPattern
    /// Pairs that occur less often are not merged, even if the vocabulary stays smaller.
    public var minimumCount = 0
    /// Threads that count words while texts are added.
    public var threads = 1

    private var pending: [UInt8] = []
    private var documentEnds: [Int] = []
    private var counts = CountBox()
    /// Text is counted when this much has come together.
    private static let batchBytes = 64 << 20

    public init(vocabularySize: Int, specialTokens: [String] = ["<|endoftext|>"], pattern: PreTokenizationPattern = .gpt2) {
        self.vocabularySize = vocabularySize
        self.specialTokens = specialTokens
        self.pattern = pattern
    }

    /// Adds one document.
    public mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Adds one document of UTF-8 bytes.
    public mutating func add(bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty { return }
        pending.append(contentsOf: bytes)
        documentEnds.append(pending.count)
        if pending.count >= Self.batchBytes { countPending(threads: threads) }
    }

    /// Learns the merges. `progress(done, total)` is called about a hundred times.
    public func train(threads: Int = 1, progress: ((Int, Int) -> Void)? = nil) throws(FileError) -> Tokenizer {
        var trainer = self
        trainer.counts = CountBox(copying: counts)
        trainer.countPending(threads: threads)
        return try trainer.learn(progress)
    }

    private func learn(_ progress: ((Int, Int) -> Void)?) throws(FileError) -> Tokenizer {
        var definition = try TokenizerDefinition(trainedWith: pattern, specialTokens: specialTokens)
        guard vocabularySize >= definition.tokens.count else {
            throw FileError(
                "the vocabulary is too small", field: "vocabulary size",
                expected: "at least \(definition.tokens.count) (256 bytes and the special tokens)", found: "\(vocabularySize)")
        }
        guard counts.counter.count > 0 else { throw FileError("there is no text to learn a tokenizer from") }
        var learner = learner(definition)
        learner.begin()
        let step = max(1, (vocabularySize - definition.tokens.count) / 100)
        while definition.tokens.count < vocabularySize, let pair = learner.next(minimumCount: Int64(minimumCount)) {
            let id = definition.addMerge(pair.left, pair.right)
            learner.merge(pair.left, pair.right, into: id, words: pair.words)
            if definition.merges.count % step == 0 { progress?(definition.tokens.count, vocabularySize) }
        }
        definition.keepLastOfEachMerge()
        return try Tokenizer(definition)
    }

    private func learner(_ definition: TokenizerDefinition) -> MergeLearner {
        var learner = MergeLearner()
        let ids = (0..<256).map { byte -> Int32 in
            var name: [UInt8] = []
            appendScalar(ByteAlphabet.scalars[byte], to: &name)
            return definition.tokens.index(of: name).map { Int32($0) } ?? 0
        }
        counts.counter.forEachWord { word, count in learner.add(word.lazy.map { ids[Int($0)] }, count: count) }
        return learner
    }

    // MARK: Counting

    private mutating func countPending(threads: Int) {
        if !isKnownUniquelyReferenced(&counts) { counts = CountBox(copying: counts) }
        let chunks = chunks()
        let workers = max(1, min(threads, chunks.count))
        let boxes = (0..<workers).map { $0 == 0 ? counts : CountBox() }
        pending.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            let work = CountWork(base: base, chunks: chunks, boxes: boxes, pattern: pattern)
            runOnThreads(workers) { work.run($0) }
        }
        for box in boxes.dropFirst() { counts.counter.add(box.counter) }
        pending.removeAll(keepingCapacity: true)
        documentEnds.removeAll(keepingCapacity: true)
    }

    /// The pending documents in stretches of about 256 KiB, cut where every pattern ends a word.
    private func chunks() -> [Range<Int>] {
        pending.withUnsafeBufferPointer { text in
            var start = 0
            return documentEnds.flatMap { end in
                defer { start = end }
                return safeStretches(of: text, start..<end, bytes: 1 << 18)
            }
        }
    }
}

/// A counter with one owner at a time.
private final class CountBox: @unchecked Sendable {
    // Safe to share: each counting thread has a box of its own.
    var counter = WordCounter()
    init() {}
    init(copying other: CountBox) { counter.add(other.counter) }
    deinit { counter.deallocate() }
}

/// What the counting threads share: text they only read, and a box for each.
private struct CountWork: @unchecked Sendable {
    let base: UnsafePointer<UInt8>
    let chunks: [Range<Int>]
    let boxes: [CountBox]
    let pattern: PreTokenizationPattern

    func run(_ worker: Int) {
        var counter = boxes[worker].counter
        for index in stride(from: worker, to: chunks.count, by: boxes.count) {
            counter.add(TextBytes(base + chunks[index].lowerBound, chunks[index].count), pattern)
        }
        boxes[worker].counter = counter
    }
}
