/// Which tokens were there before, for penalties: a value for each sequence, that allocates nothing after it is made.
struct Penalties: Sendable {
    private let options: SamplingOptions
    /// How often a token is within the window, and how often it was chosen there.
    private var seen: [Int32]
    private var chosen: [Int32]
    /// Each token that was ever within the window, once.
    private var listed: [Int32] = []
    private var isListed: [Bool]
    /// The window: tokens that go out of it again, chosen ones as -1 - id.
    private var recent: [Int32] = []
    private var oldest = 0

    init(_ options: SamplingOptions, vocabulary: Int) {
        self.options = options
        let count = options.penalizes ? vocabulary : 0
        seen = Array(repeating: 0, count: count)
        chosen = Array(repeating: 0, count: count)
        isListed = Array(repeating: false, count: count)
        listed.reserveCapacity(count)
        if count > 0 { recent.reserveCapacity(options.penaltyWindow) }
    }

    mutating func add(_ id: Int32, wasChosen: Bool) {
        guard id >= 0, Int(id) < seen.count else { return }
        if options.penaltyWindow > 0 { remember(wasChosen ? -1 - id : id) }
        seen[Int(id)] += 1
        if wasChosen { chosen[Int(id)] += 1 }
        if isListed[Int(id)] { return }
        isListed[Int(id)] = true
        listed.append(id)
    }

    private mutating func remember(_ entry: Int32) {
        if recent.count < options.penaltyWindow { return recent.append(entry) }
        let gone = recent[oldest]
        let id = Int(gone < 0 ? -1 - gone : gone)
        seen[id] -= 1
        if gone < 0 { chosen[id] -= 1 }
        recent[oldest] = entry
        oldest = oldest + 1 == recent.count ? 0 : oldest + 1
    }

    /// Repetition counts the prompt; frequency and presence count what was chosen, as OpenAI and vLLM do.
    func apply(_ logits: UnsafeMutableBufferPointer<Float>) {
        for id in listed where Int(id) < logits.count && seen[Int(id)] > 0 {
            var logit = logits[Int(id)]
            logit = logit > 0 ? logit / options.repetitionPenalty : logit * options.repetitionPenalty
            let count = chosen[Int(id)]
            if count > 0 { logit -= Float(count) * options.frequencyPenalty + options.presencePenalty }
            logits[Int(id)] = logit
        }
    }
}
