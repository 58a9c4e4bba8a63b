import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Llama 1, 2, 3 (Touvron et al. 2023): rotary positions, RMS norms before each part, gated feed-forward, grouped heads.
    static let llama = Family(
        name: "llama", architecture: "LlamaForCausalLM", spec: { reader throws(FileError) in try llamaSpec(&reader) },
        fields: llamaFields, weights: { CommonRows.llamaLike($0) })

    private static func llamaSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(divides: true))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none)
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"),
            try reader.flag("mlp_bias", default: false) ? .both : .none)
        reader.ignore("pretraining_tp")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return try sizes.spec(&reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false)
    }

    private static func llamaFields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = DecoderFields.llamaLike(spec) else { return nil }
        fields["mlp_bias"] = .bool(spec.firstActivation?.biases == .both)
        return fields
    }
}
