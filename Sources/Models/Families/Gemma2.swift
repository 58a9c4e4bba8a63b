import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Gemma 2 (Gemma Team 2024): norms before and after each part, windows in every other layer, capped scores and logits.
    static let gemma2 = Family(
        name: "gemma2", architecture: "Gemma2ForCausalLM", spec: { reader throws(FileError) in try gemma2Spec(&reader) },
        fields: gemma2Fields, weights: { CommonRows.llamaLike($0, norms: gemmaNorms) })

    /// The names of Gemma's four norms a block.
    static var gemmaNorms: [(theirs: String, site: NormSite)] {
        [
            ("input_layernorm", .norm1), ("post_attention_layernorm", .outNorm1), ("pre_feedforward_layernorm", .norm2),
            ("post_feedforward_layernorm", .outNorm2),
        ]
    }

    private static func gemma2Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 8192, kvHeads: 4, headWidth: 256, divides: true))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 1)
        var attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            scale: try gemmaScale(&reader), biases: try reader.flag("attention_bias", default: false) ? .both : .none,
            softcap: try reader.nullableNumber("attn_logit_softcapping", default: 50).map { Float($0) })
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_activation", default: "gelu_pytorch_tanh"), .none)
        reader.ignore("hidden_act", "cache_implementation")
        reader.withoutEffect("use_bidirectional_attention", false)
        let window = try reader.nullableInt("sliding_window", default: 4096)
        let blocks = try LayerTypes.read(&reader, layers: sizes.layers, window: window) { $0 % 2 == 0 }.map { span in
            attention.span = span
            return BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: .sandwich)
        }
        return try sizes.spec(
            &reader, LayerPattern(blocks), norm: norm, tied: true, embedding: gemmaEmbedding(sizes.width),
            headSoftcap: try reader.nullableNumber("final_logit_softcapping", default: 30).map { Float($0) })
    }

    /// `query_pre_attn_scalar` to the power of -1/2.
    static func gemmaScale(_ reader: inout ConfigReader) throws(FileError) -> AttentionScale {
        let scalar = try reader.number("query_pre_attn_scalar", default: 256)
        guard scalar > 0 else { throw reader.wrong("query_pre_attn_scalar", "a number above 0", "\(scalar)") }
        return .fixed(Float(1 / scalar.squareRoot()))
    }

    private static func gemma2Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = gemmaSandwichFields(spec), let attention = spec.firstAttention, let rotary = attention.rotary else { return nil }
        fields["attn_logit_softcapping"] = attention.softcap.map { JSON($0) } ?? .null
        fields["sliding_window"] = JSON(LayerTypes.window(spec) ?? 4096)
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }

    /// What Gemma 2 and 3 have in common.
    static func gemmaSandwichFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation, case .fixed(let scale) = attention.scale, scale != 0
        else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_activation"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        let scalar = 1 / (Double(scale) * Double(scale))
        fields["query_pre_attn_scalar"] = Int(exactly: scalar.rounded()).map { JSON($0) } ?? .number(scalar)
        fields["final_logit_softcapping"] = spec.head.softcap.map { JSON($0) } ?? .null
        fields["layer_types"] = LayerTypes.names(spec)
        return fields
    }
}
