public import QuintetTensors

/// One layer: a mixer that moves information between positions, a feed-forward that works on each, and how both join the stream.
public struct BlockSpec: Sendable, Equatable {
    public var mixer: Mixer
    public var feedForward: FeedForward
    public var norm: Norm
    public var residual: Residual

    public init(mixer: Mixer, feedForward: FeedForward, norm: Norm, residual: Residual = .pre) {
        self.mixer = mixer
        self.feedForward = feedForward
        self.norm = norm
        self.residual = residual
    }
}

/// What moves information between positions. Latent attention and state spaces become cases here.
public enum Mixer: Sendable, Equatable {
    case attention(AttentionSpec)
}

/// What works on each position alone. Experts become a case here.
public enum FeedForward: Sendable, Equatable {
    /// `down(f(up(x)))`: `feedForward.up` [hidden, width], `feedForward.down` [width, hidden].
    case plain(hidden: Int, Activation, Biases)
    /// `down(f(gate(x)) * up(x))`: `feedForward.gateUp` [2 * hidden, width] with the gate's rows first, `feedForward.down`.
    case gated(hidden: Int, Activation, Biases)

    public var hidden: Int {
        switch self {
        case .plain(let hidden, _, _), .gated(let hidden, _, _): hidden
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

/// How the two parts of a block join the stream `x`. Post, sandwich and adaptive norms become cases here.
public enum Residual: Sendable, Equatable {
    /// `x += mixer(norm1(x)); x += feedForward(norm2(x))`.
    case pre
    /// `n = norm1(x); x += mixer(n) + feedForward(n)`: one norm feeds both (there is no norm2).
    case parallel
    /// `x += mixer(norm1(x)) + feedForward(norm2(x))`.
    case parallelTwoNorms

    public var norms: Int { self == .parallel ? 1 : 2 }
}

/// The blocks of a stack: a cycle of block kinds repeated until there are `count` (say five local, then one global).
public struct LayerPattern: Sendable, Equatable, RandomAccessCollection {
    public let cycle: [BlockSpec]
    public let count: Int

    /// The same block `count` times.
    public init(_ block: BlockSpec, count: Int) {
        cycle = [block]
        self.count = count
    }

    /// Repeats `cycle`; it may be as long as the model where no shorter cycle says it.
    public init(cycle: [BlockSpec], count: Int) {
        precondition(!cycle.isEmpty, "a layer pattern needs at least one block")
        self.cycle = cycle
        self.count = count
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { Swift.max(count, 0) }
    public subscript(index: Int) -> BlockSpec { cycle[index % cycle.count] }
}
