public import QuintetTensors

/// One layer: a mixer that moves information between positions, a feed-forward that works on each, and how both join the stream.
public struct BlockSpec: Sendable, Equatable {
    public var mixer: Mixer
    public var feedForward: FeedForward
    public var norm: Norm
    public var residual: Residual
    /// What a part's output is multiplied with before it joins the stream.
    public var branchScale: Float

    public init(mixer: Mixer, feedForward: FeedForward, norm: Norm, residual: Residual = .pre, branchScale: Float = 1) {
        self.mixer = mixer
        self.feedForward = feedForward
        self.norm = norm
        self.residual = residual
        self.branchScale = branchScale
    }
}

extension BlockSpec {
    /// The block's norms in the order in which they are used; without a feed-forward only those of the mixer.
    public var norms: [NormSite] {
        feedForward == .none ? residual.norms.filter { $0 == .norm1 || $0 == .outNorm1 } : residual.norms
    }

    /// Whether nothing that comes later is seen.
    public var isCausal: Bool {
        switch mixer {
        case .attention(let attention): attention.span.isCausal
        case .latentAttention, .stateSpace: true
        }
    }
}

/// What moves information between positions.
///
/// A new kind is a case with its spec here, its parameters in `TransformerSpec+Parameters`, its layer in `MixerLayer`, and its place in
/// `KVCache`.
public enum Mixer: Sendable, Equatable {
    case attention(AttentionSpec)
    case latentAttention(LatentAttentionSpec)
    case stateSpace(StateSpaceSpec)
}

/// What works on each position alone.
///
/// A new kind is a case with its spec here, its parameters in `TransformerSpec+Parameters`, and its layer in `FeedForwardLayer`.
public enum FeedForward: Sendable, Equatable {
    /// `down(f(up(x)))`: `feedForward.up` [hidden, width], `feedForward.down` [width, hidden].
    case plain(hidden: Int, Activation, Biases)
    /// `down(f(gate(x)) * up(x))`: `feedForward.gateUp` [2 * hidden, width] with the gate's rows first, `feedForward.down`.
    case gated(hidden: Int, Activation, Biases)
    /// A few of many gated ones for each position.
    case experts(ExpertsSpec)
    /// Nothing: the block is its mixer alone.
    case none

    /// Elements of the hidden layer; of one expert's.
    public var hidden: Int {
        switch self {
        case .plain(let hidden, _, _), .gated(let hidden, _, _): hidden
        case .experts(let experts): experts.hidden
        case .none: 0
        }
    }
}

/// Which linear maps of a part carry a bias: the ones that read the stream (q, k, v; up, gate), the one that writes it (out; down).
public enum Biases: Sendable, Equatable {
    case none, input, output, both

    public var onInput: Bool { self == .input || self == .both }
    public var onOutput: Bool { self == .output || self == .both }

    public init(input: Bool, output: Bool) {
        self = input ? (output ? .both : .input) : (output ? .output : .none)
    }
}
