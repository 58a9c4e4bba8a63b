/// An output format worked out for a vocabulary: what `--grammar` and `--json-schema` become.
///
/// ```swift
/// let format = try OutputFormat.jsonSchema(schema)
/// let constraint = try TokenConstraint(format, trie: TokenTrie(tokenizer))
/// var state = constraint.start                   // one for each sequence
/// try state.restrict(logits)                     // what may not come gets no probability
/// try state.accept(id)
/// ```
/// It is shared by all sequences that have the same format; what differs from sequence to sequence is the state, a value.
public final class TokenConstraint: Sendable {
    let engine: GrammarEngine

    /// - Throws: `ConstraintError` where the format cannot be held to, or the vocabulary cannot spell its beginning.
    public init(_ format: OutputFormat, trie: TokenTrie) throws(ConstraintError) {
        engine = GrammarEngine(format.grammar, trie, budget: format.budget)
        try checkVocabulary(format)
        if try engine.allowance(engine.start).count == 0, !engine.accepts(engine.start) {
            throw ConstraintError(.vocabulary, at: format.place, "no token of this model can begin such a text")
        }
    }

    /// A byte that has to come has to be a token of its own: longer tokens may not fit.
    private func checkVocabulary(_ format: OutputFormat) throws(ConstraintError) {
        for set in format.grammar.sets {
            guard let byte = set.single, byte < 0x80, !engine.trie.single.contains(byte) else { continue }
            throw ConstraintError(.vocabulary, at: format.place, "no token of this model spells the byte \(byte), which the format needs")
        }
    }

    public var start: ConstraintState { ConstraintState(self, engine.start) }
}

/// How far one sequence has come within its format.
public struct ConstraintState: Sendable {
    private let constraint: TokenConstraint
    private var state: Int32
    private var isEnded = false

    init(_ constraint: TokenConstraint, _ state: Int32) {
        self.constraint = constraint
        self.state = state
    }

    /// True where the text is whole and nothing can follow.
    public var isComplete: Bool { isEnded || constraint.engine.isComplete(state) }

    /// True where the text is whole, though more may follow.
    public var accepts: Bool { isEnded || constraint.engine.accepts(state) }

    /// The only token that may come, where there is just one: it needs no model.
    public func forced() throws(ConstraintError) -> Int32? { isComplete ? nil : try constraint.engine.allowance(state).only }

    /// True where the token may come next.
    public func allows(_ id: Int32) throws(ConstraintError) -> Bool {
        let mask = try constraint.engine.allowance(state).mask
        return id >= 0 && Int(id) >> 6 < mask.count && mask[Int(id) >> 6] >> UInt64(id & 63) & 1 == 1
    }

    /// Takes the probability of every token that may not come.
    /// - Throws: `ConstraintError` where no token may come: the vocabulary cannot spell what has to follow.
    public func restrict(_ logits: UnsafeMutableBufferPointer<Float>) throws(ConstraintError) {
        let allowance = try constraint.engine.allowance(state)
        if allowance.count == 0 { throw ConstraintError(.vocabulary, at: "output", "no token of this model continues the text") }
        allowance.mask.withUnsafeBufferPointer { mask in
            for word in 0..<(logits.count + 63) / 64 {
                let bits = word < mask.count ? mask[word] : 0
                if bits == .max { continue }
                for bit in 0..<min(64, logits.count - word * 64) where bits >> UInt64(bit) & 1 == 0 { logits[word * 64 + bit] = -.infinity }
            }
        }
    }

    /// Goes on over a token that was chosen.
    /// - Throws: `ConstraintError` for a token that may not come.
    public mutating func accept(_ id: Int32) throws(ConstraintError) {
        let trie = constraint.engine.trie
        if trie.ends.contains(id), constraint.engine.accepts(state) {
            isEnded = true
            return
        }
        let bytes = id >= 0 && Int(id) < trie.bytes.count ? trie.bytes[Int(id)] : []
        let next = bytes.isEmpty ? GrammarEngine.dead : try constraint.engine.advance(state, over: bytes)
        guard next != GrammarEngine.dead else { throw ConstraintError(.vocabulary, at: "output", "token \(id) may not come here") }
        state = next
    }
}
