import QuintetLayers

/// Proposals for the tokens after a text, a few at a time.
struct Draft {
    private enum Source {
        case lookup
        case model(GenerationSession, SamplingOptions)
    }

    private let source: Source
    private let vocabulary: Int
    /// What the model has read.
    private var read: [Int32] = []
    /// How many to propose: more after good proposals, fewer after bad ones.
    private var length = 4
    private static let most = 12

    /// Nil where nothing proposes.
    init?(_ options: DraftOptions, capacity: Int, sampling: SamplingOptions, vocabulary: Int) throws(OptionError) {
        switch options {
        case .none: return nil
        case .lookup: source = .lookup
        case .model(let draft):
            var plain = sampling
            (plain.repetitionPenalty, plain.frequencyPenalty, plain.presencePenalty) = (1, 0, 0)
            source = .model(try GenerationSession(draft.model, capacity: capacity), plain)
        }
        self.vocabulary = vocabulary
    }

    /// Tokens that may follow `text`; none where there is no idea. `step` is how many the target has chosen: both draw the same numbers.
    mutating func propose(after text: [Int32], step: UInt64, stream: UInt64, most: Int) throws(OptionError) -> [Int32] {
        let count = min(length, most)
        if count <= 0 { return [] }
        switch source {
        case .lookup: return Self.lookUp(text, count)
        case .model(let session, let sampling): return try ask(session, sampling, text, count, step, stream)
        }
    }

    /// Learns how good the last proposals were.
    mutating func judge(proposed: Int, accepted: Int) {
        if accepted == proposed { length = min(length + 2, Self.most) } else if accepted * 2 < proposed { length = max(length - 1, 1) }
    }

    /// What followed the longest end of the text (4 tokens down to 2) where it stood last.
    private static func lookUp(_ text: [Int32], _ count: Int) -> [Int32] {
        for size in stride(from: 4, through: 2, by: -1) where text.count > size {
            let end = text[(text.count - size)...]
            for start in stride(from: text.count - size - 1, through: 0, by: -1) where text[start] == end[end.startIndex] && text[start..<start + size].elementsEqual(end) {
                return Array(text[(start + size)...].prefix(count))
            }
        }
        return []
    }

    private mutating func ask(
        _ session: GenerationSession, _ sampling: SamplingOptions, _ text: [Int32], _ count: Int, _ step: UInt64, _ stream: UInt64
    ) throws(OptionError) -> [Int32] {
        guard text.count + count <= session.capacity else { return [] }
        let shared = zip(read, text).prefix { $0 == $1 }.count
        let kept = min(shared, text.count - 1)
        try session.rewind(to: kept)
        try session.prefill(Array(text[kept...]))
        var sampler = Sampler(sampling, vocabulary: session.model.spec.vocabulary, stream: stream)
        sampler.step = step
        var proposals: [Int32] = []
        while true {
            let id = sampler.next(session.logits)
            if Int(id) >= vocabulary { break }
            proposals.append(id)
            if proposals.count == count { break }
            session.step(id)
        }
        read = text + proposals.dropLast()
        return proposals
    }
}
