import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// OLMo 2 (OLMo Team 2024): what a part gives is normalized, not what it reads; q and k as a whole too.
    static let olmo2 = Family(
        name: "olmo2", architecture: "Olmo2ForCausalLM", spec: { reader throws(FileError) in try olmo2Spec(&reader) }, fields: DecoderFields.llamaLike,
        weights: {
            CommonRows.llamaLike($0, norms: [("post_attention_layernorm", .outNorm1), ("post_feedforward_layernorm", .outNorm2)])
        }, scoring: .texts())

    private static func olmo2Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader)
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-5)), offset: 0)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none, queryKeyNorm: .whole(norm))
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"), .none)
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: .output)
        return try sizes.spec(&reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false)
    }
}
