import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Phi-3 and 3.5 (Abdin et al. 2024): Llama with q, k, v and gate, up in one tensor each, and LongRoPE.
    static let phi3 = Family(
        name: "phi3", architecture: "Phi3ForCausalLM", spec: { reader throws(FileError) in try phi3Spec(&reader) }, fields: phi3Fields,
        weights: phi3Weights)

    private static func phi3Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-5)), offset: 0)
        let rules = RopeRules(share: 1, roundsUp: true, longropeNames: ["su", "yarn"], crossing: .reread, original: 4096)
        let rotary = try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, rules)
        switch rotary.scaling {
        case .none, .longrope: break
        default: throw reader.wrong("rope_type", "default or longrope", "\(rotary.scaling)")
        }
        let window = try reader.optionalInt("sliding_window")
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, span: window.map { .window($0) } ?? .causal,
            positions: .rotary(rotary))
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"), .none)
        // The reference has the field and drops nothing by it.
        reader.ignore("embd_pdrop")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false,
            residualDropout: try reader.number("resid_pdrop", default: 0))
    }

    private static func phi3Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["sliding_window"] = attention.span.window > 0 ? JSON(attention.span.window) : .null
        fields["resid_pdrop"] = JSON(spec.dropout.residual)
        if case .longrope(let long) = rotary.scaling { fields["original_max_position_embeddings"] = JSON(long.context) }
        RopeConfig.write(rotary, headWidth: attention.headWidth, share: true, into: &fields)
        return fields
    }

    private static func phi3Weights(_ spec: TransformerSpec) -> WeightMap {
        let layer = "model.layers.{}", block = "blocks.{}"
        var rows = CommonRows.ends("model.embed_tokens", "model.norm") + CommonRows.norms(layer, CommonRows.preNorms)
        for (theirs, ours) in [
            ("self_attn.qkv_proj", "attention.qkv"), ("self_attn.o_proj", "attention.out"), ("mlp.gate_up_proj", "feedForward.gateUp"),
            ("mlp.down_proj", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        return WeightMap(rows, prefix: "model.", ignored: CommonRows.ignored(spec))
    }
}
