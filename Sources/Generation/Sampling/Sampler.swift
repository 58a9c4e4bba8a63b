#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Chooses the next token from logits; the same seed and logits give the same tokens, and no step allocates.
///
/// Order of the steps, as in `transformers`: repetition penalty, temperature, top-k, top-p, min-p, draw. Nothing sorts the
/// vocabulary: top-k selects, top-p pops a heap only as far as it needs.
public struct Sampler {
    public let options: SamplingOptions
    private let random: Philox
    private var step: UInt64 = 0
    private var seen: [Bool]
    private var seenIDs: [Int32] = []
    private var candidates: [Candidate] = []
    private var weights: [Float]

    private struct Candidate {
        var weight: Float
        var id: Int32
    }

    public init(_ options: SamplingOptions, vocabulary: Int) {
        self.options = options
        random = Philox(key: options.seed)
        seen = Array(repeating: false, count: options.repetitionPenalty == 1 ? 0 : vocabulary)
        weights = Array(repeating: 0, count: options.temperature == 0 ? 0 : vocabulary)
        seenIDs.reserveCapacity(seen.count)
        candidates.reserveCapacity(weights.count)
    }

    /// Tells the sampler about a token of the prompt or one that was chosen, for the repetition penalty.
    public mutating func accept(_ id: Int32) {
        guard id >= 0, Int(id) < seen.count, !seen[Int(id)] else { return }
        seen[Int(id)] = true
        seenIDs.append(id)
    }

    /// The next token; `logits` may be changed. Logits that are not a number never win.
    public mutating func next(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 {
        penalize(logits)
        let best = mostLikely(logits)
        let id = options.temperature == 0 ? best : draw(logits, best: logits[Int(best)])
        step += 1
        accept(id)
        return id
    }

    private func penalize(_ logits: UnsafeMutableBufferPointer<Float>) {
        for id in seenIDs {
            let logit = logits[Int(id)]
            logits[Int(id)] = logit > 0 ? logit / options.repetitionPenalty : logit * options.repetitionPenalty
        }
    }

    /// The lowest id among the greatest logits.
    private func mostLikely(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 {
        var best = 0
        var greatest = -Float.infinity
        for id in 0..<logits.count where logits[id] > greatest { (best, greatest) = (id, logits[id]) }
        return Int32(best)
    }

    private mutating func draw(_ logits: UnsafeMutableBufferPointer<Float>, best: Float) -> Int32 {
        gather(logits, best)
        if options.topK > 0, options.topK < candidates.count { keepMostLikely(options.topK) }
        if options.topP < 1 { keepShare(options.topP) }
        if options.minP > 0 { keepNear(options.minP) }
        let total = candidates.reduce(0.0) { $0 + Double($1.weight) }
        var rest = random.uniform(step) * total
        for candidate in candidates {
            rest -= Double(candidate.weight)
            if rest < 0 { return candidate.id }
        }
        return candidates.last?.id ?? 0
    }

    /// Every token with a probability, its weight relative to the likeliest (so the likeliest has 1).
    private mutating func gather(_ logits: UnsafeMutableBufferPointer<Float>, _ best: Float) {
        candidates.removeAll(keepingCapacity: true)
        for id in 0..<logits.count {
            let weight = expf((logits[id] - best) / options.temperature)
            if weight > 0 { candidates.append(Candidate(weight: weight, id: Int32(id))) }
        }
    }

    /// Keeps what is at least as likely as the k-th most likely.
    private mutating func keepMostLikely(_ k: Int) {
        for index in candidates.indices { weights[index] = candidates[index].weight }
        let threshold = greatest(k, in: candidates.count)
        candidates.removeAll { $0.weight < threshold }
    }

    /// The k-th greatest of the first `count` weights (Hoare's selection, middle pivots: no order is the worst case in practice).
    private mutating func greatest(_ k: Int, in count: Int) -> Float {
        var (low, high) = (0, count - 1)
        while low < high {
            let pivot = weights[low + (high - low) / 2]
            var (i, j) = (low, high)
            while i <= j {
                while weights[i] > pivot { i += 1 }
                while weights[j] < pivot { j -= 1 }
                if i <= j {
                    weights.swapAt(i, j)
                    (i, j) = (i + 1, j - 1)
                }
            }
            if k - 1 <= j { high = j } else if k - 1 >= i { low = i } else { break }
        }
        return weights[k - 1]
    }

    /// Keeps the most likely until their share reaches `share`; ties go to the lower id.
    private mutating func keepShare(_ share: Float) {
        let total = candidates.reduce(0.0) { $0 + Double($1.weight) }
        var count = candidates.count
        for root in stride(from: count / 2 - 1, through: 0, by: -1) { sink(root, count) }
        var held = 0.0
        while count > 0, held < Double(share) * total {
            held += Double(candidates[0].weight)
            count -= 1
            candidates.swapAt(0, count)
            sink(0, count)
        }
        candidates.removeSubrange(0..<count)
    }

    private mutating func keepNear(_ share: Float) {
        let greatest = candidates.reduce(0) { max($0, $1.weight) }
        candidates.removeAll { $0.weight < share * greatest }
    }

    /// Restores the heap below `root`: the likeliest on top.
    private mutating func sink(_ root: Int, _ count: Int) {
        var root = root
        while 2 * root + 1 < count {
            var child = 2 * root + 1
            if child + 1 < count, precedes(candidates[child + 1], candidates[child]) { child += 1 }
            guard precedes(candidates[child], candidates[root]) else { return }
            candidates.swapAt(child, root)
            root = child
        }
    }

    private func precedes(_ a: Candidate, _ b: Candidate) -> Bool { a.weight != b.weight ? a.weight > b.weight : a.id < b.id }
}
