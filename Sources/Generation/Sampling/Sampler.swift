/// Chooses the next token from logits; the same seed and logits give the same tokens, and no step allocates.
///
/// Order of the steps, as in `transformers`: penalties, DRY, top-n-sigma, temperature, top-k, top-p, min-p, typical, then XTC and the
/// draw. Nothing sorts the vocabulary: top-k keeps a small heap while it looks at each logit once, the others pop a heap of what
/// is left only as far as they need.
public struct Sampler: Sendable {
    public let options: SamplingOptions
    private let random: Philox
    /// Tokens chosen so far: the place of the next random number.
    var step: UInt64 = 0
    private var penalties: Penalties
    private var repeats: Repeats
    private var candidates: Candidates

    /// `stream` tells apart sequences of one seed: each has random numbers of its own.
    public init(_ options: SamplingOptions, vocabulary: Int, stream: UInt64 = 0) {
        self.options = options
        random = Philox(key: options.seed, stream: stream)
        penalties = Penalties(options, vocabulary: vocabulary)
        repeats = Repeats(options, vocabulary: vocabulary)
        candidates = Candidates(capacity: options.temperature == 0 ? 0 : vocabulary, topK: options.topK)
    }

    /// Tells the sampler about a token of the prompt.
    public mutating func accept(_ id: Int32) {
        penalties.add(id, wasChosen: false)
        repeats.add(id)
    }

    /// Whether the last token was chosen where no logit was a finite number, or the greatest was infinite: a broken model.
    private(set) var isBroken = false

    /// The next token; `logits` may be changed. Logits that are not a number never win.
    public mutating func next(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 {
        penalties.apply(logits)
        repeats.apply(logits)
        let best = Self.mostLikely(logits)
        isBroken = !logits[Int(best)].isFinite
        let id = options.temperature == 0 ? best : draw(logits, best: logits[Int(best)])
        step += 1
        penalties.add(id, wasChosen: true)
        repeats.add(id)
        return id
    }

    /// Among what the last token was drawn, each with its share; all of it was the token's own where the likeliest was taken.
    func lastShares(_ chosen: Int32) -> [(id: Int32, share: Double)] { options.temperature == 0 ? [(chosen, 1)] : candidates.shares }

    /// The lowest id among the greatest logits.
    static func mostLikely(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 {
        var best = 0
        var greatest = -Float.infinity
        for id in 0..<logits.count where logits[id] > greatest { (best, greatest) = (id, logits[id]) }
        return Int32(best)
    }

    private mutating func draw(_ logits: UnsafeMutableBufferPointer<Float>, best: Float) -> Int32 {
        var floor = -Float.infinity
        if options.topNSigma > 0 { floor = best - options.topNSigma * Candidates.deviation(logits) }
        if options.topK > 0 { floor = max(floor, candidates.greatest(options.topK, logits)) }
        candidates.gather(logits, best: best, floor: floor, temperature: options.temperature)
        if options.topP < 1 { candidates.keepShare(options.topP) }
        if options.minP > 0 { candidates.keepNear(options.minP) }
        if options.typicalP < 1 { candidates.keepTypical(options.typicalP) }
        if options.xtcProbability > 0, Float(random.uniform(step, 1)) < options.xtcProbability { candidates.leaveOutTop(options.xtcThreshold) }
        return candidates.draw(random.uniform(step))
    }
}
