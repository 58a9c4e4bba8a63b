/// What a transformer is, as a value: every family of models is one of these, made from its configuration file.
///
/// A variation is a case of a slot, so a model that cannot exist cannot be written; what numbers can still get wrong
/// (heads that do not divide, a width of zero) `validate()` names.
public struct TransformerSpec: Sendable, Equatable {
    /// Rows of the token embedding.
    public var vocabulary: Int
    /// Elements of the residual stream.
    public var width: Int
    /// The longest sequence the model was made for, in tokens. Learned positions end here; rotary ones only get worse.
    public var context: Int
    public var embedding: EmbeddingSpec
    public var layers: LayerPattern
    /// The norm after the last block; nil where the family has none.
    public var finalNorm: Norm?
    public var head: HeadSpec
    public var dropout: Dropout
    public var initialization: Initialization

    public init(
        vocabulary: Int, width: Int, context: Int, embedding: EmbeddingSpec = EmbeddingSpec(), layers: LayerPattern,
        finalNorm: Norm?, head: HeadSpec = HeadSpec(), dropout: Dropout = .none,
        initialization: Initialization = Initialization()
    ) {
        self.vocabulary = vocabulary
        self.width = width
        self.context = context
        self.embedding = embedding
        self.layers = layers
        self.finalNorm = finalNorm
        self.head = head
        self.dropout = dropout
        self.initialization = initialization
    }

    /// Elements of a row of the token table, and of what the head reads.
    public var tokenWidth: Int { embedding.tokenWidth ?? width }
}

/// How ids become the first hidden state: `norm(widen(scale * tokens[id]) + positions[i])`.
public struct EmbeddingSpec: Sendable, Equatable {
    public var scale: Float
    /// Elements of a row of the token table where they are not the model's width: `embedding.widen` [width, tokenWidth] makes hidden
    /// states of them, and `head.narrow` [tokenWidth, width] brings the last ones back before the head.
    public var tokenWidth: Int?
    public var positions: AbsolutePositions
    /// `embedding.norm`, nil where there is none.
    public var norm: Norm?

    public init(scale: Float = 1, tokenWidth: Int? = nil, positions: AbsolutePositions = .none, norm: Norm? = nil) {
        self.scale = scale
        self.tokenWidth = tokenWidth
        self.positions = positions
        self.norm = norm
    }
}

/// Positions that are added to the embedding (those inside attention are `AttentionSpec.positions`).
public enum AbsolutePositions: Sendable, Equatable {
    case none
    /// A learned table `[context + offset, width]`; position `i` has row `i + offset`.
    case learned(offset: Int = 0, counting: PositionCounting = .places)
    /// Sines, then cosines of waves whose lengths grow from 2 pi to 10000 * 2 pi; position `i` has row `i + offset`.
    case sinusoidal(Sinusoidal)

    /// The first row of the table that stands for a position.
    public var offset: Int {
        switch self {
        case .none: 0
        case .learned(let offset, _): offset
        case .sinusoidal(let waves): waves.offset
        }
    }
}

/// What a position counts where sequences are padded.
public enum PositionCounting: Sendable, Equatable {
    /// Places from the left, padding included.
    case places
    /// Tokens that are not padding.
    case tokens
}

/// How hidden states become logits: `softcap(scale * (h * W^T + b))`.
public struct HeadSpec: Sendable, Equatable {
    public var projection: HeadProjection
    public var scale: Float
    /// `c * tanh(logits / c)`, nil where logits are not capped.
    public var softcap: Float?

    public init(_ projection: HeadProjection = .tied, scale: Float = 1, softcap: Float? = nil) {
        self.projection = projection
        self.scale = scale
        self.softcap = softcap
    }
}

/// Where the head's matrix comes from.
public enum HeadProjection: Sendable, Equatable {
    /// The token embedding serves again; there is no `head.weight`.
    case tied
    /// The token embedding serves again, `head.bias` [vocabulary] is added.
    case tiedWithBias
    /// `head.weight` [vocabulary, width] (`tokenWidth` where the embedding has one).
    case own
    /// The same, and `head.bias` [vocabulary].
    case ownWithBias

    public init(tied: Bool, bias: Bool = false) {
        self = tied ? (bias ? .tiedWithBias : .tied) : (bias ? .ownWithBias : .own)
    }

    /// Whether the token embedding serves as the head.
    public var isTied: Bool { self == .tied || self == .tiedWithBias }
    public var hasBias: Bool { self == .tiedWithBias || self == .ownWithBias }
}

/// Shares of elements dropped while training; inference drops nothing.
public struct Dropout: Sendable, Equatable {
    public var embedding: Float
    public var residual: Float
    public var attention: Float

    public init(embedding: Float, residual: Float, attention: Float) {
        self.embedding = embedding
        self.residual = residual
        self.attention = attention
    }

    public static let none = Dropout(embedding: 0, residual: 0, attention: 0)
}

/// How fresh matrices are drawn: normal with this standard deviation.
public struct Initialization: Sendable, Equatable {
    public var deviation: Float
    public var outputs: OutputInitialization

    public init(deviation: Float = 0.02, outputs: OutputInitialization = .byDepth) {
        self.deviation = deviation
        self.outputs = outputs
    }
}

/// How the matrices that write into the residual stream (attention out, feed-forward down) are drawn.
public enum OutputInitialization: Sendable, Equatable {
    /// Like every other matrix.
    case same
    /// Divided by `sqrt(2 * layers)`, so the stream's variance does not grow with depth (GPT-2).
    case byDepth
}
