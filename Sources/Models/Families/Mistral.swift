import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Mistral (Jiang et al. 2023): Llama with a window over the last positions and without biases.
    static let mistral = Family(
        name: "mistral", architecture: "MistralForCausalLM", spec: { reader throws(FileError) in try mistralSpec(&reader) },
        fields: mistralFields, weights: { CommonRows.llamaLike($0) })

    private static func mistralSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096 * 32, kvHeads: 8))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let window = try reader.nullableInt("sliding_window", default: 4096)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, span: window.map { .window($0) } ?? .causal,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)))
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"), .none)
        reader.withoutEffect("layer_types")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return try sizes.spec(&reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false)
    }

    private static func mistralFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["sliding_window"] = attention.span.window > 0 ? JSON(attention.span.window) : .null
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }
}
