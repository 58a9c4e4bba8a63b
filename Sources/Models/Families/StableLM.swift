import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// StableLM 2 (Bellagente et al. 2024): Llama with layer norms, a quarter of each head turning, and, where asked, a norm for every head.
    static let stablelm = Family(
        name: "stablelm", architecture: "StableLmForCausalLM", spec: { reader throws(FileError) in try stablelmSpec(&reader) },
        fields: stablelmFields, weights: stablelmWeights)

    private static func stablelmSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096, kvHeads: 32, divides: true))
        guard sizes.headWidth == sizes.width / sizes.heads else {
            throw reader.wrong("head_dim", "hidden_size / num_attention_heads = \(sizes.width / sizes.heads)", "\(sizes.headWidth)")
        }
        let epsilon = Float(try reader.number("layer_norm_eps", default: 1e-5))
        let norm = Norm.layer(epsilon: epsilon, .weightAndBias)
        let rotary = try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, RopeRules(share: 0.25))
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, positions: .rotary(rotary),
            biases: try reader.flag("use_qkv_bias", default: false) ? .input : .none,
            queryKeyNorm: try reader.flag("qk_layernorm", default: false) ? .headsOwn(.layer(epsilon: epsilon, .weight)) : .none)
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"), .none)
        let block = BlockSpec(
            mixer: .attention(attention), feedForward: feedForward, norm: norm,
            residual: try reader.flag("use_parallel_residual", default: false) ? .parallel : .pre)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false,
            residualDropout: try reader.number("hidden_dropout", default: 0))
    }

    private static func stablelmFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["layer_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["use_qkv_bias"] = .bool(attention.biases == .input)
        fields["qk_layernorm"] = .bool(attention.queryKeyNorm != .none)
        fields["use_parallel_residual"] = .bool(spec.layers[0].residual == .parallel)
        fields["hidden_dropout"] = JSON(spec.dropout.residual)
        RopeConfig.write(rotary, headWidth: attention.headWidth, share: true, into: &fields)
        return fields
    }

    /// Every head's norm is a tensor of its own.
    private static func stablelmWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        func norms(_ name: String, _ heads: Int, _ ours: String) -> WeightRow {
            .stacked(
                (0..<heads).map { "model.layers.{}.self_attn.\(name).norms.\($0).weight" },
                rows: [Int](repeating: attention.headWidth, count: heads)) <-> "blocks.{}.attention.\(ours).weight"
        }
        let map = CommonRows.llamaLike(spec)
        let heads = [norms("q_layernorm", attention.heads, "queryNorm"), norms("k_layernorm", attention.kvHeads, "keyNorm")]
        return WeightMap(heads + map.rows, prefix: map.prefix, ignored: map.ignored)
    }
}
