/// A number that no model can have: which one, what was expected, what it is.
public struct SpecError: Error, Sendable, Equatable, CustomStringConvertible {
    public let field: String
    public let expected: String
    public let found: String

    public init(_ field: String, expected: String, found: String) {
        self.field = field
        self.expected = expected
        self.found = found
    }

    public var description: String { "\(field): expected \(expected), found \(found)" }
}

extension TransformerSpec {
    /// Checks what types cannot: positive sizes, dividing heads, finite numbers, sizes whose products fit.
    public func validate() throws(SpecError) {
        try positive(vocabulary, "vocabulary", below: 1 << 31)
        try positive(width, "width", below: 1 << 20)
        try positive(context, "context", below: 1 << 31)
        try positive(layers.count, "layers", below: 1 << 12)
        try finite(embedding.scale, "embedding scale")
        try finite(head.scale, "head scale")
        if let cap = head.softcap { try aboveZero(cap, "head softcap") }
        try validate(embedding)
        if let norm = finalNorm { try validate(norm) }
        for block in layers.cycle { try validate(block) }
        for (share, name) in [
            (dropout.embedding, "embedding"), (dropout.residual, "residual"), (dropout.attention, "attention"),
        ] where !(share >= 0 && share < 1) {
            throw SpecError("\(name) dropout", expected: "at least 0 and below 1", found: "\(share)")
        }
        guard initialization.deviation >= 0, initialization.deviation.isFinite else {
            throw SpecError("initialization deviation", expected: "a finite number >= 0", found: "\(initialization.deviation)")
        }
    }

    private func validate(_ embedding: EmbeddingSpec) throws(SpecError) {
        if let width = embedding.tokenWidth { try positive(width, "token width", below: 1 << 20) }
        if let norm = embedding.norm { try validate(norm) }
        guard embedding.positions.offset >= 0, embedding.positions.offset < 1 << 20 else {
            throw SpecError("position offset", expected: "from 0 to \((1 << 20) - 1)", found: "\(embedding.positions.offset)")
        }
        if case .sinusoidal = embedding.positions, width < 4 {
            throw SpecError("width", expected: "at least 4 for sinusoidal positions", found: "\(width)")
        }
    }

    private func validate(_ block: BlockSpec) throws(SpecError) {
        switch block.mixer {
        case .attention(let attention): try validate(attention)
        case .latentAttention(let attention): try validate(attention)
        case .stateSpace(let space): try validate(space)
        }
        switch block.feedForward {
        case .plain, .gated: try positive(block.feedForward.hidden, "feed-forward hidden", below: 1 << 22)
        case .experts(let experts): try validate(experts)
        case .none: break
        }
        try validate(block.norm)
        try finite(block.branchScale, "residual scale")
    }

    func validate(_ norm: Norm) throws(SpecError) {
        try aboveZero(norm.epsilon, "norm epsilon")
        try finite(norm.offset, "norm offset")
    }

    private func validate(_ attention: AttentionSpec) throws(SpecError) {
        try positive(attention.heads, "attention heads", below: 1 << 12)
        try positive(attention.kvHeads, "key and value heads", below: 1 << 12)
        try positive(attention.headWidth, "head width", below: 1 << 13)
        guard attention.heads % attention.kvHeads == 0 else {
            throw SpecError("key and value heads", expected: "a divisor of \(attention.heads) heads", found: "\(attention.kvHeads)")
        }
        switch attention.span {
        case .causal, .bidirectional: break
        case .window(let width), .neighborhood(let width): try positive(width, "attention window", below: 1 << 31)
        }
        if let norm = attention.queryKeyNorm.norm { try validate(norm) }
        if let clip = attention.clip { try aboveZero(clip, "attention clip") }
        if let cap = attention.softcap { try aboveZero(cap, "attention softcap") }
        if case .fixed(let scale) = attention.scale { try finite(scale, "attention scale") }
        if case .rotary(let rotary) = attention.positions { try validate(rotary, attention.headWidth) }
        if case .alibi(let bias, let factor, _) = attention.positions {
            try aboveZero(bias, "ALiBi's largest bias")
            try finite(factor, "ALiBi's factor")
        }
    }

    func validate(_ rotary: Rotary, _ headWidth: Int) throws(SpecError) {
        guard rotary.width > 0, rotary.width % 2 == 0, rotary.width <= headWidth else {
            throw SpecError("rotary width", expected: "even, from 2 to the head width \(headWidth)", found: "\(rotary.width)")
        }
        guard rotary.spread == rotary.width || rotary.spread == rotary.width - 1 else {
            throw SpecError("rotary spread", expected: "the rotary width \(rotary.width) or one less", found: "\(rotary.spread)")
        }
        guard rotary.base.isFinite, rotary.base > 1 else {
            throw SpecError("rotary base", expected: "a finite number above 1", found: "\(rotary.base)")
        }
        switch rotary.scaling {
        case .none: break
        case .linear(let factor): try aboveZero(Float(factor), "rope factor")
        case .dynamic(let factor, let context):
            try aboveZero(Float(factor), "rope factor")
            try positive(context, "rope context", below: 1 << 31)
            if rotary.spread == 2 { throw SpecError("rotary width", expected: "at least 4 for dynamic scaling", found: "2") }
        case .yarn(let yarn):
            try aboveZero(Float(yarn.factor), "rope factor")
            try positive(yarn.context, "rope context", below: 1 << 31)
            try aboveZero(Float(yarn.betaFast), "rope beta_fast")
            try aboveZero(Float(yarn.betaSlow), "rope beta_slow")
            try finite(Float(yarn.attentionFactor), "rope attention factor")
        case .longrope(let long):
            try positive(long.context, "rope context", below: 1 << 31)
            try finite(Float(long.attentionFactor), "rope attention factor")
            for (list, name) in [(long.short, "short_factor"), (long.long, "long_factor")] {
                guard list.count == rotary.width / 2 else {
                    throw SpecError("rope \(name)", expected: "\(rotary.width / 2) numbers, one a pair", found: "\(list.count)")
                }
                for factor in list { try aboveZero(Float(factor), "rope \(name)") }
            }
        case .llama3(let factor, let low, let high, let context):
            try aboveZero(Float(factor), "rope factor")
            try aboveZero(Float(low), "rope low_freq_factor")
            guard high > low, high.isFinite else {
                throw SpecError("rope high_freq_factor", expected: "more than low_freq_factor \(low)", found: "\(high)")
            }
            try positive(context, "rope context", below: 1 << 31)
        }
    }

    func positive(_ value: Int, _ field: String, below limit: Int) throws(SpecError) {
        guard value > 0, value < limit else { throw SpecError(field, expected: "from 1 to \(limit - 1)", found: "\(value)") }
    }

    func aboveZero(_ value: Float, _ field: String) throws(SpecError) {
        guard value > 0, value.isFinite else { throw SpecError(field, expected: "a finite number above 0", found: "\(value)") }
    }

    func finite(_ value: Float, _ field: String) throws(SpecError) {
        guard value.isFinite else { throw SpecError(field, expected: "a finite number", found: "\(value)") }
    }
}
