import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Granite 3 (IBM 2024): Llama with factors on the embedding, on what joins the stream, on scores and on logits.
    static let granite = Family(
        name: "granite", architecture: "GraniteForCausalLM", spec: { reader throws(FileError) in try graniteSpec(&reader) },
        fields: graniteFields, weights: { CommonRows.llamaLike($0) }, scoring: .none)

    private static func graniteSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader)
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            scale: .fixed(Float(try reader.number("attention_multiplier", default: 1))),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none)
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"),
            try reader.flag("mlp_bias", default: false) ? .both : .none)
        let block = BlockSpec(
            mixer: .attention(attention), feedForward: feedForward, norm: norm,
            branchScale: Float(try reader.number("residual_multiplier", default: 1)))
        let divisor = try reader.number("logits_scaling", default: 1)
        guard divisor != 0 else { throw reader.wrong("logits_scaling", "a number other than 0", "0") }
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false,
            embedding: EmbeddingSpec(scale: Float(try reader.number("embedding_multiplier", default: 1))), headScale: Float(1 / divisor))
    }

    private static func graniteFields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = DecoderFields.llamaLike(spec), case .fixed(let scale)? = spec.firstAttention?.scale, spec.head.scale != 0 else { return nil }
        fields["mlp_bias"] = .bool(spec.firstActivation?.biases == .both)
        fields["attention_multiplier"] = JSON(scale)
        fields["embedding_multiplier"] = JSON(spec.embedding.scale)
        fields["residual_multiplier"] = JSON(spec.layers[0].branchScale)
        fields["logits_scaling"] = .number(1 / Double(spec.head.scale))
        return fields
    }
}
