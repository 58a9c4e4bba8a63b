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
}

/// How ids become the first hidden state: `scale * tokens[id] + positions[i]`.
public struct EmbeddingSpec: Sendable, Equatable {
    public var scale: Float
    public var positions: AbsolutePositions

    public init(scale: Float = 1, positions: AbsolutePositions = .none) {
        self.scale = scale
        self.positions = positions
    }
}

/// Positions that are added to the embedding (those inside attention are `AttentionSpec.positions`).
public enum AbsolutePositions: Sendable, Equatable {
    case none
    /// A learned table `[context, width]`.
    case learned
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
    /// `head.weight` [vocabulary, width].
    case own
    /// `head.weight` [vocabulary, width] and `head.bias` [vocabulary].
    case ownWithBias
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
