#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How likely a token was that was chosen, and which others were likely: natural logarithms of the model's own probabilities,
/// before temperature, penalties and constraints, or of those that the draw was made by.
public struct TokenLogprobs: Sendable, Equatable {
    /// Whose probabilities are told.
    public enum Source: Sendable, Equatable {
        /// The model's, before anything is done to them.
        case model
        /// Those of the tokens that penalties, constraint and filters left, as the draw was made.
        case draw
    }

    public struct Entry: Sendable, Equatable {
        public let id: Int32
        public let logprob: Float
        public var probability: Float { expf(logprob) }
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

    /// What is left after sampling: shares of the tokens that could still be chosen, the likeliest first.
    init(chosen id: Int32, among shares: [(id: Int32, share: Double)], top count: Int) {
        let sorted = shares.sorted { $0.share != $1.share ? $0.share > $1.share : $0.id < $1.id }.map { Entry(id: $0.id, logprob: Float(log($0.share))) }
        top = Array(sorted.prefix(count))
        chosen = sorted.first { $0.id == id } ?? Entry(id: id, logprob: 0)
        normalizer = 0
    }

    /// What a logit less of gives the logarithm of a probability.
    let normalizer: Float
}
