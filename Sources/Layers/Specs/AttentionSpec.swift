/// Scaled dot-product attention with grouped heads.
///
/// Weights: `attention.qkv` [(heads + 2 * kvHeads) * headWidth, width], all q heads, then all k heads, then all v heads;
/// `attention.out` [width, heads * headWidth].
public struct AttentionSpec: Sendable, Equatable {
    public var heads: Int
    /// Heads of k and v; each serves `heads / kvHeads` query heads.
    public var kvHeads: Int
    public var headWidth: Int
    public var span: Span
    public var positions: AttentionPositions
    public var scale: AttentionScale
    public var biases: Biases
    /// `c * tanh(score / c)` before the softmax, nil where scores are not capped.
    public var softcap: Float?
    public var sinks: Sinks

    public init(
        heads: Int, kvHeads: Int, headWidth: Int, span: Span = .causal, positions: AttentionPositions = .none,
        scale: AttentionScale = .inverseSquareRoot, biases: Biases = .none, softcap: Float? = nil, sinks: Sinks = .none
    ) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headWidth = headWidth
        self.span = span
        self.positions = positions
        self.scale = scale
        self.biases = biases
        self.softcap = softcap
        self.sinks = sinks
    }

    /// Columns of the fused q, k, v projection.
    public var qkvWidth: Int { (heads + 2 * kvHeads) * headWidth }
    /// Columns of q, and of what attention gives.
    public var queryWidth: Int { heads * headWidth }
    /// Columns of k, and of v.
    public var keyWidth: Int { kvHeads * headWidth }
}

/// Which keys a query sees.
public enum Span: Sendable, Equatable {
    /// Itself and what came before.
    case causal
    /// Itself and the `n - 1` positions before it.
    case window(Int)
    /// Everything.
    case bidirectional

    /// Keys in `(i - w, i]`, 0 for no limit: the kernel's number.
    public var window: Int {
        if case .window(let width) = self { width } else { 0 }
    }
}

/// How attention knows where things are.
public enum AttentionPositions: Sendable, Equatable {
    case none
    case rotary(Rotary)
    /// A penalty that grows with distance, one slope a head, as BLOOM and MPT space them.
    case alibi(maxBias: Float)
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
