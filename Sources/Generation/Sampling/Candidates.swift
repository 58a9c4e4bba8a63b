#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tokens that may still be chosen, with weights relative to the likeliest; its memory is made once.
struct Candidates: Sendable {
    private struct Candidate {
        /// The likeliest has 1.
        var weight: Float
        /// What a heap goes by.
        var key: Float
        var id: Int32
    }

    private var all: [Candidate] = []
    /// The k greatest logits seen, the least of them on top.
    private var top: [Float] = []

    init(capacity: Int, topK: Int) {
        all.reserveCapacity(capacity)
        top.reserveCapacity(min(topK, capacity))
    }

    /// The standard deviation of the logits that are finite.
    static func deviation(_ logits: UnsafeMutableBufferPointer<Float>) -> Float {
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        for logit in logits where logit.isFinite {
            count += 1
            sum += Double(logit)
            squares += Double(logit) * Double(logit)
        }
        guard count > 0 else { return 0 }
        return Float(max(squares / count - (sum / count) * (sum / count), 0).squareRoot())
    }

    /// The k-th greatest logit; minus infinity where there are not so many.
    mutating func greatest(_ k: Int, _ logits: UnsafeMutableBufferPointer<Float>) -> Float {
        guard k < logits.count else { return -.infinity }
        top.removeAll(keepingCapacity: true)
        var least = -Float.infinity
        for logit in logits {
            if top.count < k {
                if logit.isNaN { continue }
                top.append(logit)
                siftUp(top.count - 1)
                if top.count == k { least = top[0] }
            } else if logit > least {
                top[0] = logit
                siftDown(0)
                least = top[0]
            }
        }
        return top.count < k ? -.infinity : top[0]
    }

    private mutating func siftUp(_ place: Int) {
        var place = place
        while place > 0, top[(place - 1) / 2] > top[place] {
            top.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func siftDown(_ place: Int) {
        var place = place
        while 2 * place + 1 < top.count {
            var child = 2 * place + 1
            if child + 1 < top.count, top[child + 1] < top[child] { child += 1 }
            guard top[child] < top[place] else { return }
            top.swapAt(child, place)
            place = child
        }
    }

    /// Every token from `floor` on that has a probability.
    mutating func gather(_ logits: UnsafeMutableBufferPointer<Float>, best: Float, floor: Float, temperature: Float) {
        all.removeAll(keepingCapacity: true)
        for id in 0..<logits.count where logits[id] >= floor {
            let weight = expf((logits[id] - best) / temperature)
            if weight > 0 { all.append(Candidate(weight: weight, key: weight, id: Int32(id))) }
        }
    }

    private var total: Double { all.reduce(0.0) { $0 + Double($1.weight) } }

    /// Keeps the most likely until their share reaches `share`; ties go to the lower id.
    mutating func keepShare(_ share: Float) {
        for index in all.indices { all[index].key = all[index].weight }
        keepGreatestKeys(share)
    }

    /// Keeps the tokens whose surprise is nearest to the expected one.
    mutating func keepTypical(_ share: Float) {
        let total = total
        let entropy = all.reduce(0.0) { $0 - Double($1.weight) / total * log(Double($1.weight) / total) }
        for index in all.indices { all[index].key = -Float(abs(-log(Double(all[index].weight) / total) - entropy)) }
        keepGreatestKeys(share)
    }

    private mutating func keepGreatestKeys(_ share: Float) {
        let total = total
        var count = all.count
        for root in stride(from: count / 2 - 1, through: 0, by: -1) { sink(root, count) }
        var held = 0.0
        while count > 0, held < Double(share) * total {
            held += Double(all[0].weight)
            count -= 1
            all.swapAt(0, count)
            sink(0, count)
        }
        all.removeSubrange(0..<count)
    }

    mutating func keepNear(_ share: Float) {
        let greatest = all.reduce(0) { max($0, $1.weight) }
        all.removeAll { $0.weight < share * greatest }
    }

    /// Leaves out every token above the threshold but the least likely of them.
    mutating func leaveOutTop(_ threshold: Float) {
        let floor = Float(total) * threshold
        var (count, least) = (0, Float.infinity)
        for candidate in all where candidate.weight >= floor { (count, least) = (count + 1, min(least, candidate.weight)) }
        if count > 1 { all.removeAll { $0.weight > least } }
    }

    /// Each token that is left with its share of the probability.
    var shares: [(id: Int32, share: Double)] {
        let total = total
        return all.map { ($0.id, Double($0.weight) / total) }
    }

    /// The token at a place in [0, 1) of the probability that is left.
    func draw(_ uniform: Double) -> Int32 {
        var rest = uniform * total
        for candidate in all {
            rest -= Double(candidate.weight)
            if rest < 0 { return candidate.id }
        }
        return all.last?.id ?? 0
    }

    /// Restores the heap below `root`: the greatest key on top.
    private mutating func sink(_ root: Int, _ count: Int) {
        var root = root
        while 2 * root + 1 < count {
            var child = 2 * root + 1
            if child + 1 < count, precedes(all[child + 1], all[child]) { child += 1 }
            guard precedes(all[child], all[root]) else { return }
            all.swapAt(child, root)
            root = child
        }
    }

    private func precedes(_ a: Candidate, _ b: Candidate) -> Bool { a.key != b.key ? a.key > b.key : a.id < b.id }
}
