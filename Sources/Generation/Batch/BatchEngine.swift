import QuintetFiles
import QuintetLayers
public import QuintetTensors
import QuintetTokenizers

/// Continuous batching over one model: texts join and leave between steps, and each has the bits it would have alone.
///
/// A step reads one token for every text that is being written and a piece of the prompts that are being read, in one pass
/// over the weights. One thread at a time calls it; `BatchClient` is what everybody else talks to.
/// Source: Orca (Yu et al. 2022), chunked prefill (Agrawal et al. 2023).
final class BatchEngine {
    let model: Transformer
    let tokenizer: Tokenizer
    let limits: BatchLimits
    let cache: KVCache
    var prefixes = PrefixTree()
    var waiting: [BatchSequence] = []
    /// In the order in which they began.
    var running: [BatchSequence] = []
    var freeSlots: [Int]
    /// What each place held last.
    var lastTexts: [Int: LastText] = [:]
    /// Recorded decode steps, the one that was used last at the end.
    var steps: [(kind: StepKind, step: DecodeStep)] = []
    /// How many adapters the model has.
    let adapters: Int
    var counts = BatchCounts()
    /// Texts that came to their end and have not been told so.
    private var ended: [(sequence: BatchSequence, event: BatchEvent)] = []
    let generator: TextGenerator
    private var readingCache: KVCache?
    /// What happened to the model's files, once something has.
    private var damage: FileError?

    init(_ generator: TextGenerator, _ limits: BatchLimits) {
        (model, tokenizer, adapters) = (generator.model, generator.tokenizer, generator.adapters)
        self.generator = generator
        self.limits = limits
        cache = KVCache(model.spec, sequences: limits.parallel, capacity: limits.context, pages: limits.pages, type: limits.cacheType)
        freeSlots = (0..<limits.parallel).reversed()
    }

    var hasWork: Bool { !waiting.isEmpty || !running.isEmpty }

    /// Puts a text at the end of the queue, or refuses it.
    func add(_ sequence: BatchSequence) {
        counts.requests += 1
        if let damage { return ended.append((sequence, .failed(.damaged(damage)))) }
        if let refusal = refusal(sequence.request) { return ended.append((sequence, .failed(.refused(refusal)))) }
        waiting.append(sequence)
    }

    private func refusal(_ request: BatchRequest) -> OptionError? {
        do {
            try request.options.validate(promptTokens: request.prompt.count, context: limits.context)
        } catch { return error }
        if request.options.format != nil, request.constraint == nil {
            return OptionError(option: "format", expected: "a constraint made for this model", found: "none")
        }
        if !request.shares.isEmpty, request.shares.count != adapters || !request.shares.allSatisfy(\.isFinite) {
            return OptionError(option: "lora", expected: "a number for each of \(adapters) adapters", found: "\(request.shares)")
        }
        if request.prompt.isEmpty { return OptionError(option: "prompt", expected: "at least one token", found: "none") }
        guard let wrong = request.prompt.first(where: { $0 < 0 || Int($0) >= model.spec.vocabulary }) else { return nil }
        return OptionError(option: "prompt", expected: "ids from 0 to \(model.spec.vocabulary - 1)", found: "\(wrong)")
    }

    /// One step for everybody; false where there was nothing to do.
    func step(now: ContinuousClock.Instant) -> Bool {
        dropLate(now)
        admit()
        guard !running.isEmpty else { return false }
        let rows = planRows()
        guard !rows.isEmpty else { return false }
        let chosen = run(rows)
        for (sequence, event) in chosen { leave(sequence, event) }
        if let damage { for sequence in waiting + running { cancel(sequence.number, .damaged(damage)) } }
        return true
    }

    /// Keys and values for a text that is read by itself, kept from one to the next: memory for caches is not given back bit by bit.
    func cacheForReading(_ length: Int) -> KVCache {
        let cache: KVCache
        if let known = readingCache, known.capacity >= length {
            cache = known
        } else {
            var capacity = CachePages.pageLength
            while capacity < length { capacity *= 2 }
            cache = KVCache(model.spec, capacity: capacity)
        }
        readingCache = cache
        cache.release()
        cache.reserve(length)
        return cache
    }

    /// Asked after weights were read and before anything that came of it is told.
    /// - Throws: `BatchFailure.damaged` where they may have been zeros.
    func checkIntact() throws(BatchFailure) {
        if damage == nil { do throws(FileError) { try generator.checkIntact() } catch { damage = error } }
        if let damage { throw .damaged(damage) }
    }

    /// Takes a text out, wherever it is.
    func cancel(_ number: UInt64, _ failure: BatchFailure = .cancelled) {
        if let index = waiting.firstIndex(where: { $0.number == number }) {
            ended.append((waiting.remove(at: index), .failed(failure)))
        } else if let sequence = running.first(where: { $0.number == number }) {
            leave(sequence, .failed(failure))
        }
    }

    /// Ends everything.
    func stop(_ failure: BatchFailure) {
        for sequence in waiting + running { cancel(sequence.number, failure) }
        prefixes.clear(cache)
        lastTexts = [:]
    }

    private func dropLate(_ now: ContinuousClock.Instant) {
        for sequence in waiting where !sequence.isStarted {
            if let startBy = sequence.request.startBy, startBy < now { cancel(sequence.number, .waitedTooLong) }
        }
        for sequence in waiting + running {
            if let deadline = sequence.request.deadline, deadline < now { cancel(sequence.number, .tookTooLong) }
        }
    }

    private func leave(_ sequence: BatchSequence, _ event: BatchEvent) {
        running.removeAll { $0 === sequence }
        release(sequence)
        ended.append((sequence, event))
    }

    var hasEnded: Bool { !ended.isEmpty }

    /// Tells texts that they have ended: after the counts were published, so that whoever hears of an end finds its place free.
    func tellEnded() {
        for (sequence, event) in ended { sequence.end(event) }
        ended.removeAll(keepingCapacity: true)
    }
}

/// How much an engine takes on.
public struct BatchLimits: Sendable, Equatable {
    /// Texts that are made at once.
    public var parallel: Int
    /// Tokens of a prompt and its text together.
    public var context: Int
    /// Texts that may wait.
    public var queue: Int
    /// Pages of the cache, of 64 positions; nil for as many as all parallel texts can need.
    public var pages: Int?
    /// Pages that beginnings of texts may hold while no text uses them; nil for all that are free.
    public var keptPages: Int?
    /// Rows of prompts read in a step while others are writing: few, so that nobody stalls.
    public var prefillRows: Int
    /// What the cache holds keys and values in.
    public var cacheType: CacheType

    public init(parallel: Int = 4, context: Int, queue: Int = 64, pages: Int? = nil, prefillRows: Int = 128, cacheType: CacheType = .f32) {
        self.parallel = max(parallel, 1)
        self.context = max(context, 1)
        self.queue = max(queue, 1)
        self.pages = pages
        self.prefillRows = max(prefillRows, 1)
        self.cacheType = cacheType
    }
}

/// What an engine has done and is doing, for metrics.
public struct BatchCounts: Sendable, Equatable {
    public var requests = 0
    public var running = 0
    public var waiting = 0
    public var promptTokens = 0
    public var newTokens = 0
    /// Prompt tokens that were looked up among known beginnings, and found.
    public var prefixQueries = 0, prefixHits = 0
    public var preemptions = 0
    public var steps = 0
    /// Share of the cache's pages that texts in the making hold; what is only remembered is free for who needs it.
    public var cacheUse = 0.0
}
