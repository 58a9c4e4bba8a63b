import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Phi-1, 1.5, 2 (Gunasekar et al. 2023): attention and feed-forward side by side on one norm, half of each head turns.
    static let phi = Family(
        name: "phi", architecture: "PhiForCausalLM", spec: { reader throws(FileError) in try phiSpec(&reader) }, fields: phiFields,
        weights: { spec in
            let path = "model.layers.{}.self_attn", block = "blocks.{}.attention"
            let map = CommonRows.llamaLike(spec, norms: [("input_layernorm", .norm1)], output: "dense", finalNorm: "final_layernorm")
            let norms = CommonRows.pair("\(path).q_layernorm", "\(block).queryNorm") + CommonRows.pair("\(path).k_layernorm", "\(block).keyNorm")
            return WeightMap(norms + map.rows, prefix: map.prefix, ignored: map.ignored)
        })

    private static func phiSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader)
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_eps", default: 1e-5)), .weightAndBias)
        let rotary = try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, RopeRules(share: 0.5))
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, positions: .rotary(rotary), biases: .both,
            queryKeyNorm: try reader.flag("qk_layernorm", default: false) ? .heads(norm) : .none)
        let feedForward = FeedForward.plain(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "gelu_new"), .both)
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: .parallel)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false, headBias: true,
            embeddingDropout: try reader.number("embd_pdrop", default: 0), residualDropout: try reader.number("resid_pdrop", default: 0))
    }

    private static func phiFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["layer_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["qk_layernorm"] = .bool(attention.queryKeyNorm != .none)
        fields["embd_pdrop"] = JSON(spec.dropout.embedding)
        fields["resid_pdrop"] = JSON(spec.dropout.residual)
        RopeConfig.write(rotary, headWidth: attention.headWidth, share: true, into: &fields)
        return fields
    }
}
