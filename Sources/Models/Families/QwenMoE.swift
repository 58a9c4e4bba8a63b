import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// Qwen3-MoE (Yang et al. 2025): Qwen3 with experts in all layers or some.
    static let qwen3MoE = Family(
        name: "qwen3_moe", architecture: "Qwen3MoeForCausalLM", spec: { reader throws(FileError) in try qwen3MoESpec(&reader) },
        fields: qwen3MoEFields,
        weights: { spec in
            let path = "model.layers.{}.mlp"
            var rows = spec.firstExperts.map { CommonRows.experts($0, width: spec.width, path, router: "gate") } ?? []
            if spec.firstExperts != nil, let hidden = spec.firstDenseHidden, case .experts = spec.layers[0].feedForward {
                rows += CommonRows.gated(path, hidden: hidden, "blocks.{}.feedForward")
            }
            return CommonRows.llamaLike(spec).adding(rows)
        })

    private static func qwen3MoESpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 32_768, kvHeads: 4))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let slides = try reader.flag("use_sliding_window", default: false)
        let window = try reader.nullableInt("sliding_window", default: 4096)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            span: slides ? window.map { .window($0) } ?? .causal : .causal,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none, queryKeyNorm: .heads(norm))
        let activation = try ActivationNames.read(&reader, "hidden_act", default: "silu")
        let dense = FeedForward.gated(hidden: sizes.hidden, activation, .none)
        let count = try reader.int("num_experts", "num_local_experts", default: 128)
        let routing = Routing(
            experts: count, chosen: try reader.int("num_experts_per_tok", default: 8), scoring: .softmaxOverAll,
            normalization: try reader.flag("norm_topk_prob", default: false) ? .sum(plus: 0) : .none)
        let experts = FeedForward.experts(
            ExpertsSpec(routing: routing, hidden: try reader.int("moe_intermediate_size", default: 768), gate: .function(activation)))
        let step = try reader.int("decoder_sparse_step", default: 1)
        guard step > 0 else { throw reader.wrong("decoder_sparse_step", "at least 1", "\(step)") }
        let plain = Set(try reader.ids("mlp_only_layers"))
        reader.ignore("router_aux_loss_coef", "output_router_logits", "max_window_layers")
        let blocks = (0..<sizes.layers).map { layer in
            let isSparse = count > 0 && !plain.contains(layer) && (layer + 1) % step == 0
            return BlockSpec(mixer: .attention(attention), feedForward: isSparse ? experts : dense, norm: norm)
        }
        return try sizes.spec(&reader, LayerPattern(blocks), norm: norm, tied: false)
    }

    private static func qwen3MoEFields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = DecoderFields.llamaLike(spec), let attention = spec.firstAttention, let experts = spec.firstExperts else { return nil }
        fields["use_sliding_window"] = .bool(attention.span.window > 0)
        fields["sliding_window"] = attention.span.window > 0 ? JSON(attention.span.window) : .null
        fields["intermediate_size"] = JSON(spec.firstDenseHidden ?? experts.hidden)
        fields["moe_intermediate_size"] = JSON(experts.hidden)
        DecoderFields.write(experts, into: &fields)
        fields["decoder_sparse_step"] = 1
        fields["mlp_only_layers"] = .array(spec.layers.enumerated().compactMap { index, block in
            if case .experts = block.feedForward { nil } else { JSON(index) }
        })
        return fields
    }
}
