/// Scaled dot-product attention with grouped heads.
///
/// Weights: `attention.qkv` [(heads + 2 * kvHeads) * headWidth, width], all q heads, then all k heads, then all v heads;
/// `attention.out` [width, heads * headWidth]. Between the projection and the scores stand, in this order, the norms of q and k, the
/// clip, the positions.
public struct AttentionSpec: Sendable, Equatable {
    public var heads: Int
    /// Heads of k and v; each serves `heads / kvHeads` query heads.
    public var kvHeads: Int
    public var headWidth: Int
    public var span: Span
    public var positions: AttentionPositions
    public var scale: AttentionScale
    public var biases: Biases
    public var queryKeyNorm: QueryKeyNorm
    /// q, k and v are held between minus this and this; nil where they are free.
    public var clip: Float?
    /// `c * tanh(score / c)` before the softmax, nil where scores are not capped.
    public var softcap: Float?
    public var sinks: Sinks

    public init(
        heads: Int, kvHeads: Int, headWidth: Int, span: Span = .causal, positions: AttentionPositions = .none,
        scale: AttentionScale = .inverseSquareRoot, biases: Biases = .none, queryKeyNorm: QueryKeyNorm = .none, clip: Float? = nil,
        softcap: Float? = nil, sinks: Sinks = .none
    ) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headWidth = headWidth
        self.span = span
        self.positions = positions
        self.scale = scale
        self.biases = biases
        self.queryKeyNorm = queryKeyNorm
        self.clip = clip
        self.softcap = softcap
        self.sinks = sinks
    }

    /// Columns of the fused q, k, v projection.
    public var qkvWidth: Int { (heads + 2 * kvHeads) * headWidth }
    /// Columns of q, and of what attention gives.
    public var queryWidth: Int { heads * headWidth }
    /// Columns of k, and of v.
    public var keyWidth: Int { kvHeads * headWidth }
    /// Numbers in the weights of the norms of q and of k.
    public var queryKeyNormWidths: (query: Int, key: Int) {
        if case .heads = queryKeyNorm { (headWidth, headWidth) } else { (queryWidth, keyWidth) }
    }
}

/// Which keys a query sees.
public enum Span: Sendable, Equatable {
    /// Itself and what came before.
    case causal
    /// Itself and the `n - 1` positions before it.
    case window(Int)
    /// Everything.
    case bidirectional
    /// Everything less than `n` positions away, on both sides.
    case neighborhood(Int)

    /// The width of a window, 0 for no limit: the kernel's number.
    public var window: Int {
        switch self {
        case .causal, .bidirectional: 0
        case .window(let width), .neighborhood(let width): width
        }
    }

    /// Whether nothing that comes later is seen.
    public var isCausal: Bool {
        switch self {
        case .causal, .window: true
        case .bidirectional, .neighborhood: false
        }
    }
}

/// How q and k are normalized after their projection: `attention.queryNorm` and `attention.keyNorm`.
public enum QueryKeyNorm: Sendable, Equatable {
    case none
    /// Each head by itself, all with the same weights [headWidth].
    case heads(Norm)
    /// Each head by itself with weights of its own [heads * headWidth].
    case headsOwn(Norm)
    /// All heads together as one vector, weights [heads * headWidth].
    case whole(Norm)

    public var norm: Norm? {
        switch self {
        case .none: nil
        case .heads(let norm), .headsOwn(let norm), .whole(let norm): norm
        }
    }
}

/// How attention knows where things are.
public enum AttentionPositions: Sendable, Equatable {
    case none
    case rotary(Rotary)
    /// A penalty on the score that grows with distance, one slope a head (Press et al. 2021); `factor` multiplies all slopes.
    case alibi(maxBias: Float, factor: Float = 1, AlibiRounding = .none)
}

/// Whether slopes and their products with positions are rounded to bf16, as some families compute them whatever type the rest has.
public enum AlibiRounding: Sendable, Equatable {
    case none, brain
}

/// The factor on q * k.
public enum AttentionScale: Sendable, Equatable {
    /// `1 / sqrt(headWidth)`.
    case inverseSquareRoot
    /// `1 / (sqrt(headWidth) * (layer + 1))`.
    case inverseSquareRootByDepth
    /// `1 / (layer + 1)`.
    case inverseDepth
    case fixed(Float)

    public func value(headWidth: Int, layer: Int) -> Float {
        let root = 1 / Float(headWidth).squareRoot()
        switch self {
        case .inverseSquareRoot: return root
        case .inverseSquareRootByDepth: return root / Float(layer + 1)
        case .inverseDepth: return 1 / Float(layer + 1)
        case .fixed(let value): return value
        }
    }
}

/// A learned score per head that takes part in the softmax and attends to nothing.
public enum Sinks: Sendable, Equatable {
    case none
    /// `attention.sinks` [heads].
    case learned
}
