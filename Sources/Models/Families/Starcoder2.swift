import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// StarCoder2 (Lozhkov et al. 2024): layer norms, a plain feed-forward, biases everywhere, rotary positions, a window where asked.
    static let starcoder2 = Family(
        name: "starcoder2", architecture: "Starcoder2ForCausalLM", spec: { reader throws(FileError) in try starcoder2Spec(&reader) },
        fields: starcoder2Fields, weights: { CommonRows.llamaLike($0, plain: ("c_fc", "c_proj")) })

    private static func starcoder2Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096, kvHeads: 2))
        let norm = Norm.layer(epsilon: Float(try reader.number("norm_epsilon", default: 1e-5)), .weightAndBias)
        let biases: Biases = try reader.flag("use_bias", default: true) ? .both : .none
        let window = try reader.optionalInt("sliding_window")
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, span: window.map { .window($0) } ?? .causal,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)), biases: biases)
        let feedForward = FeedForward.plain(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "gelu_pytorch_tanh"), biases)
        reader.withoutEffect("norm_type", "layer_norm")
        reader.withoutEffect("mlp_type", "default")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: true,
            embeddingDropout: try reader.number("embedding_dropout", default: 0),
            residualDropout: try reader.number("residual_dropout", default: 0), deviation: 0.018042)
    }

    private static func starcoder2Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["norm_epsilon"] = JSON(spec.layers[0].norm.epsilon)
        fields["use_bias"] = .bool(attention.biases == .both)
        fields["sliding_window"] = attention.span.window > 0 ? JSON(attention.span.window) : .null
        fields["embedding_dropout"] = JSON(spec.dropout.embedding)
        fields["residual_dropout"] = JSON(spec.dropout.residual)
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }
}
