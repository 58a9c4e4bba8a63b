import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// Mixtral (Jiang et al. 2024): Mistral with a few of several experts in place of each feed-forward.
    static let mixtral = Family(
        name: "mixtral", architecture: "MixtralForCausalLM", spec: { reader throws(FileError) in try mixtralSpec(&reader) },
        fields: mixtralFields,
        weights: { spec in
            let rows = spec.firstExperts.map {
                CommonRows.experts(
                    $0, width: spec.width, "model.layers.{}.block_sparse_moe", router: "gate", .init(gate: "w1", up: "w3", down: "w2"))
            }
            return CommonRows.llamaLike(spec).adding(rows ?? [])
        })

    private static func mixtralSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096 * 32, kvHeads: 8))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-5)), offset: 0)
        let window = try reader.nullableInt("sliding_window", default: nil)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, span: window.map { .window($0) } ?? .causal,
            positions: .rotary(
                try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, RopeRules(theta: 1_000_000))))
        let routing = Routing(
            experts: try reader.int("num_local_experts", "num_experts", default: 8), chosen: try reader.int("num_experts_per_tok", default: 2),
            scoring: .softmaxOverAll, normalization: .sum(plus: 0))
        let experts = ExpertsSpec(
            routing: routing, hidden: sizes.hidden, gate: .function(try ActivationNames.read(&reader, "hidden_act", default: "silu")))
        reader.ignore("router_jitter_noise", "router_aux_loss_coef", "output_router_logits")
        let block = BlockSpec(mixer: .attention(attention), feedForward: .experts(experts), norm: norm)
        return try sizes.spec(&reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false)
    }

    private static func mixtralFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let experts = spec.firstExperts,
            let activation = spec.firstActivation
        else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["num_local_experts"] = JSON(experts.routing.experts)
        fields["num_experts_per_tok"] = JSON(experts.routing.chosen)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["sliding_window"] = attention.span.window > 0 ? JSON(attention.span.window) : .null
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }
}
