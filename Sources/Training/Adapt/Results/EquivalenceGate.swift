import QuintetFiles
import QuintetGeneration
public import QuintetLayers
import QuintetModels
public import QuintetTensors
import QuintetTokenizers

/// Replays held-out prompts through the model as it was trained and through the result as it will be loaded.
///
/// Compared are the ids of each prompt (template, BOS, EOS), the scores of every position, and greedy continuations.
public struct EquivalenceGate {
    /// A held-out text: what is read, and the part of it that a person would send.
    public struct Prompt: Sendable {
        public var ids: [Int32]
        public var given: [Int32]
        var example: Example

        public init(ids: [Int32], given: [Int32], example: Example) {
            self.ids = ids
            self.given = given
            self.example = example
        }
    }

    /// One of the two sides.
    public struct Side {
        let transformer: Transformer
        /// Of models that score.
        let score: (weight: Tensor, bias: Tensor?)?

        public init(_ transformer: Transformer, score: (weight: Tensor, bias: Tensor?)? = nil) {
            self.transformer = transformer
            self.score = score
        }
    }

    public let prompts: [Prompt]
    /// Ids that ended texts in training.
    let ends: [Int32]
    private static let greedyTokens = 16
    private static let tokensRead = 256
    /// Nats below which another rounding is the likeliest reason.
    private static let roundingKL = 0.01

    public init(_ prompts: [Prompt], ends: [Int32] = []) { (self.prompts, self.ends) = (prompts, ends) }

    /// How far `loaded` is from `trained`; `encoder` makes ids as the loaded result does, nil where it has no tokenizer of its own.
    public func compare(_ trained: Side, _ loaded: Side, name: String, bounds: GateReport.Bounds, encoder: TextEncoder?) throws -> GateReport.Comparison {
        var sums = LogitDifference()
        var result = GateReport.Comparison(name: name, bounds: bounds)
        result.continues = trained.score == nil
        for (index, prompt) in prompts.enumerated() {
            let ids = Array(prompt.ids.prefix(Self.tokensRead))
            let (p, q) = (trained.scores(ids), loaded.scores(ids))
            for (a, b) in zip(p.values, q.values) {
                let difference = Double(abs(a - b))
                result.maxDifference = difference.isNaN ? .infinity : max(result.maxDifference, difference)
            }
            sums.add(p, q)
            if result.firstDifference == nil, let token = try firstDifference(trained, loaded, prompt) { result.firstDifference = (index, token) }
            if result.cause == nil, let cause = encoder?.difference(from: prompt, ends: ends) { (result.promptApart, result.cause) = (index, cause) }
        }
        result.positions = sums.positions
        let divergence = sums.divergence / Double(max(sums.positions, 1))
        result.kl = divergence.isNaN ? .infinity : divergence
        result.sameTop = Double(sums.sameTop) / Double(max(sums.positions, 1))
        result.cause = result.cause ?? cause(result, trained, loaded)
        return result
    }

    /// What is wrong with a file in rougher types, whose bounds are wide, that is nearer to what the training began with than to what it ended with; nil
    /// where it is not, or where so little was learned that rounding hides it.
    public func staysBehind(_ trained: Side, _ loaded: Side, start: Side, kl: Double) -> String? {
        guard divergence(trained, start) > kl / 20, divergence(start, loaded) <= kl else { return nil }
        return "merge: the file is nearer to the base than to what was trained"
    }

    /// KL(a || b), nats, mean over the prompts' positions.
    private func divergence(_ a: Side, _ b: Side) -> Double {
        var sums = LogitDifference()
        for prompt in prompts {
            let ids = Array(prompt.ids.prefix(Self.tokensRead)), (p, q) = (a.scores(ids), b.scores(ids))
            sums.add(p, q)
        }
        return sums.divergence / Double(max(sums.positions, 1))
    }

    /// After how many greedy tokens the continuations of a prompt differ.
    private func firstDifference(_ trained: Side, _ loaded: Side, _ prompt: Prompt) throws -> Int? {
        guard trained.score == nil else { return nil }
        let room = min(trained.transformer.spec.context - prompt.given.count, Self.greedyTokens)
        guard room > 0, !prompt.given.isEmpty else { return nil }
        let texts = try [trained, loaded].map { side in
            try side.continued(prompt.given, count: room)
        }
        return zip(texts[0], texts[1]).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    }

    /// What is wrong with the numbers, most particular first; nil where nothing is.
    private func cause(_ result: GateReport.Comparison, _ trained: Side, _ loaded: Side) -> String? {
        if result.maxDifference <= result.bounds.maxDifference, result.kl <= result.bounds.kl { return nil }
        if trained.score == nil, let first = prompts.first {
            let ids = Array(first.ids.prefix(Self.tokensRead))
            let (a, b) = (trained.hidden(ids).floats, loaded.hidden(ids).floats)
            let apart = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            if Double(apart) <= result.bounds.maxDifference / 10, apart.isFinite {
                return "tied weights: hidden states are the same, the vocabulary's projection is not"
            }
        }
        guard result.bounds == .exact else { return "precision: the types that the result is written in" }
        // Rounding moves scores a little; other weights say something else.
        return result.kl < Self.roundingKL && result.sameTop > 0.9
            ? "precision: numbers were rounded that should be as they were trained" : "weights: what was written is not what was trained"
    }
}

extension LogitDifference {
    /// The scores of a text's positions on both sides.
    fileprivate mutating func add(_ p: (values: [Float], columns: Int), _ q: (values: [Float], columns: Int)) {
        for start in stride(from: 0, to: p.values.count, by: p.columns) { add(p.values[start..<start + p.columns], q.values[start..<start + p.columns]) }
    }
}

extension EquivalenceGate.Side {
    func hidden(_ ids: [Int32]) -> Tensor {
        var pass = Pass.sequences(batch: 1, time: ids.count)
        return transformer(Tensor(ids, [ids.count]), &pass).detached
    }

    /// The likeliest continuation, read token by token: a recorded step would keep all numbers that are made of a frozen base's blocks.
    func continued(_ prompt: [Int32], count: Int) throws -> [Int32] {
        let session = try GenerationSession(transformer, capacity: prompt.count + count)
        var (sampler, ids) = (Sampler(.greedy, vocabulary: transformer.spec.vocabulary), prompt)
        while ids.count < prompt.count + count {
            try session.prefill(ids.count == prompt.count ? prompt : [ids[ids.count - 1]])
            ids.append(sampler.next(session.logits))
        }
        return Array(ids.dropFirst(prompt.count))
    }

    /// Scores of every position: of the vocabulary, or of the layer in its place.
    func scores(_ ids: [Int32]) -> (values: [Float], columns: Int) {
        let states = hidden(ids)
        let scores = score.map { matmul(states, .dense($0.weight.detached), Epilogue(bias: $0.bias?.detached)) } ?? transformer.logits(states)
        return (scores.floats, scores.shape.columns)
    }
}

extension TextEncoder {
    /// Which part of a text this encoder writes in another way than it was trained; nil where it is the same to the last token.
    func difference(from prompt: EquivalenceGate.Prompt, ends trained: [Int32]) -> String? {
        guard let text = (try? encode(prompt.example))?.first?.ids else {
            return "template: the result's template refuses a conversation that the model was trained on"
        }
        let given = ((try? self.prompt(of: prompt.example)) ?? nil) ?? Array(text.prefix(prompt.given.count))
        if let end = prompt.ids.first(where: { trained.contains($0) && !ends.contains($0) && !prompt.given.contains($0) }) {
            return "EOS: texts were trained to end with token \(end), which does not end a text of the result"
        }
        if given == prompt.given, text == prompt.ids { return nil }
        for (a, b) in [(given, prompt.given), (text, prompt.ids)] where a.first != b.first && (a.dropFirst() == b[...] || a[...] == b.dropFirst()) {
            return "BOS: one of the two begins texts with a token that the other does not have"
        }
        if text.dropLast() == prompt.ids[...] || text[...] == prompt.ids.dropLast() || text.dropLast() == prompt.ids.dropLast() {
            return "EOS: one of the two ends texts with a token that the other does not have"
        }
        return "template: the result writes texts in another way than they were trained (chat template or tokenizer)"
    }
}

extension AdaptInput {
    /// The first held-out texts (of training rows where none is held out), as the gate replays them.
    func gatePrompts(_ count: Int) -> [EquivalenceGate.Prompt] {
        let (samples, rows) = validation.isEmpty ? (train, data.train) : (validation, data.validation)
        var prompts: [EquivalenceGate.Prompt] = []
        var used: Set<Int> = []
        for sample in samples where prompts.count < count {
            guard used.insert(sample.position.number).inserted, let row = rows.first(where: { $0.position == sample.position }) else { continue }
            let ids = sample.texts[0].ids
            guard !ids.isEmpty else { continue }
            let given = (try? encoder.prompt(of: row.example)) ?? nil
            prompts.append(EquivalenceGate.Prompt(ids: ids, given: given ?? Array(ids.prefix(max(1, ids.count / 2))), example: row.example))
        }
        return prompts
    }
}
