#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How likely a token was that was chosen, and which others were likely: natural logarithms of the model's own probabilities,
/// before temperature, penalties and constraints.
public struct TokenLogprobs: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public let id: Int32
        public let logprob: Float
    }

    public internal(set) var chosen: Entry
    /// The likeliest, first of all the greatest; ties by id.
    public let top: [Entry]

    /// Reads the logits of one position; `chosen` is set once the token is.
    init(_ logits: UnsafeMutableBufferPointer<Float>, top count: Int) {
        let greatest = logits.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
        var sum = 0.0
        for logit in logits where logit > -.infinity { sum += Double(expf(logit - greatest)) }
        normalizer = greatest + Float(log(sum))
        var best: [Entry] = []
        for id in 0..<logits.count where count > 0 && !logits[id].isNaN {
            let value = logits[id] - normalizer
            if best.count == count, let last = best.last, value <= last.logprob { continue }
            let place = best.firstIndex { $0.logprob < value } ?? best.count
            best.insert(Entry(id: Int32(id), logprob: value), at: place)
            if best.count > count { best.removeLast() }
        }
        top = best
        chosen = Entry(id: -1, logprob: -.infinity)
    }

    /// The same where it is known already which token follows.
    init(_ logits: UnsafeMutableBufferPointer<Float>, top count: Int, chosen id: Int32) {
        self.init(logits, top: count)
        chosen = Entry(id: id, logprob: logits[Int(id)] - normalizer)
    }

    /// What a logit less of gives the logarithm of a probability.
    let normalizer: Float
}
