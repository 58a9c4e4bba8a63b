/// Attention whose keys and values are made from one small vector per position, which is all the cache holds.
///
/// Weights: `attention.query` [heads * (plainWidth + rotaryWidth), width], or `attention.queryDown` [rank, width], `queryNorm` [rank] and
/// `queryUp`; `attention.keyValueDown` [latentWidth + rotaryWidth, width]; `attention.keyValueNorm` [latentWidth]; `attention.keyValueUp`
/// [heads * (plainWidth + valueWidth), latentWidth], head after head, keys first; `attention.out` [width, heads * valueWidth].
/// Source: DeepSeek-AI 2024 (DeepSeek-V2).
public struct LatentAttentionSpec: Sendable, Equatable {
    public var heads: Int
    /// Elements of a head's query and key that carry no position, and those that turn (the key's are shared by all heads).
    public var plainWidth: Int, rotaryWidth: Int
    /// Elements of a head's value.
    public var valueWidth: Int
    /// Elements of the latent that keys and values are made from.
    public var latentWidth: Int
    public var query: Query
    /// Its width is `rotaryWidth`.
    public var rotary: Rotary
    public var scale: Float
    /// The norms of the latents.
    public var norm: Norm
    /// On the maps from the stream (`queryDown`, `keyValueDown`) and on `out`.
    public var biases: Biases

    /// How queries are made from the stream.
    public enum Query: Sendable, Equatable {
        case direct
        /// Through a latent of `rank` elements that is normalized.
        case latent(rank: Int)
    }

    public init(
        heads: Int, plainWidth: Int, rotaryWidth: Int, valueWidth: Int, latentWidth: Int, query: Query, rotary: Rotary, scale: Float,
        norm: Norm, biases: Biases = .none
    ) {
        self.heads = heads
        self.plainWidth = plainWidth
        self.rotaryWidth = rotaryWidth
        self.valueWidth = valueWidth
        self.latentWidth = latentWidth
        self.query = query
        self.rotary = rotary
        self.scale = scale
        self.norm = norm
        self.biases = biases
    }

    /// Elements of a head's query and key.
    public var headWidth: Int { plainWidth + rotaryWidth }
    /// Elements that the cache holds of a position: the latent and the shared rotary part of the keys.
    public var cachedWidth: Int { latentWidth + rotaryWidth }
}
