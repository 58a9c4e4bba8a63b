import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// GPT-NeoX and Pythia (Black et al. 2022): attention and feed-forward side by side on norms of their own, a quarter of each head turns.
    static let gptNeoX = Family(
        name: "gpt_neox", architecture: "GPTNeoXForCausalLM", spec: { reader throws(FileError) in try gptNeoXSpec(&reader) },
        fields: gptNeoXFields, weights: gptNeoXWeights, scoring: .both(wordLayer: "classifier"))

    private static func gptNeoXSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        var sizes = try DecoderFields(&reader, .init(divides: true))
        // The reference knows neither grouped heads nor heads of another width here.
        guard sizes.kvHeads == sizes.heads, sizes.headWidth == sizes.width / sizes.heads else {
            throw reader.wrong("num_key_value_heads", "as many as num_attention_heads \(sizes.heads), heads that fill the width", "\(sizes.kvHeads)")
        }
        sizes.kvHeads = sizes.heads
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_eps", default: 1e-5)), .weightAndBias)
        let rules = RopeRules(
            thetaKeys: ["rotary_emb_base"], share: 0.25, shareKeys: ["rotary_pct"], roundsUp: true)
        // The reference knows these by their older names alone, or in rope_parameters.
        for key in ["rope_theta", "partial_rotary_factor"] where reader.value(key) != nil {
            reader.warn("\(key) has no effect in this family, as in the reference")
        }
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.heads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, rules)),
            biases: try reader.flag("attention_bias", default: true) ? .both : .none)
        let feedForward = FeedForward.plain(hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "gelu"), .both)
        reader.ignore("classifier_dropout")
        let dropout = try reader.number("hidden_dropout", default: 0)
        let block = BlockSpec(
            mixer: .attention(attention), feedForward: feedForward, norm: norm,
            residual: try reader.flag("use_parallel_residual", default: true) ? .parallelTwoNorms : .pre)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false, embeddingDropout: dropout, residualDropout: dropout)
    }

    private static func gptNeoXFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        (fields["num_key_value_heads"], fields["head_dim"]) = (nil, nil)
        fields["hidden_act"] = .string(activation.function)
        fields["layer_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        fields["use_parallel_residual"] = .bool(spec.layers[0].residual == .parallelTwoNorms)
        fields["hidden_dropout"] = JSON(spec.dropout.residual)
        RopeConfig.write(rotary, headWidth: attention.headWidth, share: true, into: &fields)
        fields["rotary_pct"] = fields["partial_rotary_factor"]
        fields["rotary_emb_base"] = fields["rope_theta"]
        (fields["rope_theta"], fields["partial_rotary_factor"]) = (nil, nil)
        return fields
    }

    private static func gptNeoXWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "gpt_neox.layers.{}", block = "blocks.{}"
        var rows = CommonRows.ends("gpt_neox.embed_in", "gpt_neox.final_layer_norm", "embed_out") + CommonRows.norms(layer, CommonRows.preNorms)
        rows += CommonRows.grouped(attention, "\(layer).attention.query_key_value")
        for (theirs, ours) in [
            ("attention.dense", "attention.out"), ("mlp.dense_h_to_4h", "feedForward.up"), ("mlp.dense_4h_to_h", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        let ignored = ["layers.{}.attention.bias", "layers.{}.attention.masked_bias", "layers.{}.attention.rotary_emb.inv_freq"]
        return WeightMap(
            rows, prefix: "gpt_neox.", ignored: CommonRows.ignored(spec) + CommonRows.ignored(spec, "embed_out") + ignored,
            aliases: ["embed_out.weight": "lm_head.weight"])
    }
}
