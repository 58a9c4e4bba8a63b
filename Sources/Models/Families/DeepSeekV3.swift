import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension Families {
    /// DeepSeek-V3 (DeepSeek-AI 2024): latent attention, experts in groups with a bias on the choice, shared experts, first layers dense.
    static let deepseekV3 = Family(
        name: "deepseek_v3", architecture: "DeepseekV3ForCausalLM", spec: { reader throws(FileError) in try deepseekSpec(&reader) },
        fields: deepseekFields, weights: deepseekWeights)

    private static func deepseekSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        // The configuration class has a head width of its own: that of the rotary part.
        reader.ignore("head_dim", "qk_head_dim")
        let sizes = try DecoderFields(&reader, .init(context: 4096, kvHeads: 128))
        guard sizes.kvHeads == sizes.heads else {
            throw reader.wrong("num_key_value_heads", "\(sizes.heads), as many as there are heads", "\(sizes.kvHeads)")
        }
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let mixer = Mixer.latentAttention(try deepseekAttention(&reader, sizes))
        let activation = try ActivationNames.read(&reader, "hidden_act", default: "silu")
        let dense = FeedForward.gated(hidden: sizes.hidden, activation, .none)
        let sparse = FeedForward.experts(try deepseekExperts(&reader, activation))
        let first = try reader.int("first_k_dense_replace", default: 3)
        try reader.only("scoring_func", "sigmoid", default: "sigmoid")
        try reader.only("topk_method", "noaux_tc", default: "noaux_tc")
        try reader.only("moe_layer_freq", 1, default: 1)
        reader.ignore(
            "num_mtp_layers", "num_nextn_predict_layers", "pretraining_tp", "ep_size", "aux_loss_alpha", "seq_aux", "output_router_logits",
            "router_aux_loss_coef")
        let blocks = (0..<sizes.layers).map { BlockSpec(mixer: mixer, feedForward: $0 < first ? dense : sparse, norm: norm) }
        return try sizes.spec(&reader, LayerPattern(blocks), norm: norm, tied: false)
    }

    private static func deepseekAttention(_ reader: inout ConfigReader, _ sizes: DecoderFields) throws(FileError) -> LatentAttentionSpec {
        let plain = try reader.int("qk_nope_head_dim", default: 128), turning = try reader.int("qk_rope_head_dim", default: 64)
        var rotary = try RopeConfig.read(&reader, headWidth: turning, context: sizes.context)
        rotary.pairing = try reader.flag("rope_interleave", default: true) ? .interleaved : .halves
        let rank = try reader.nullableInt("q_lora_rank", default: 1536)
        guard plain > 0, turning > 0, plain < 1 << 20, turning < 1 << 20 else { throw reader.wrong("qk_nope_head_dim", "above 0", "\(plain)") }
        return LatentAttentionSpec(
            heads: sizes.heads, plainWidth: plain, rotaryWidth: turning, valueWidth: try reader.int("v_head_dim", default: 128),
            latentWidth: try reader.int("kv_lora_rank", default: 512), query: rank.map { .latent(rank: $0) } ?? .direct, rotary: rotary,
            scale: Float(1 / Double(plain + turning).squareRoot() * deepseekGrowth(reader.json)),
            // The norms of the latents have this epsilon whatever the model's is.
            norm: .rms(epsilon: 1e-6, offset: 0), biases: try reader.flag("attention_bias", default: false) ? .both : .none)
    }

    /// Stretched positions make scores flatter; `mscale_all_dim` makes up for it, once for q and once for k.
    private static func deepseekGrowth(_ json: JSON) -> Double {
        let tables = [json["rope_scaling"], json["rope_parameters"]].compactMap { $0 }
        guard let table = tables.first(where: { !$0.isNull }), let all = table["mscale_all_dim"]?.double, all != 0,
            let factor = table["factor"]?.double, factor > 1
        else { return 1 }
        let growth = 0.1 * all * log(factor) + 1
        return growth * growth
    }

    private static func deepseekExperts(_ reader: inout ConfigReader, _ activation: Activation) throws(FileError) -> ExpertsSpec {
        let hidden = try reader.int("moe_intermediate_size", default: 2048)
        let groups = Routing.Groups(count: try reader.int("n_group", default: 8), kept: try reader.int("topk_group", default: 4))
        let routing = Routing(
            experts: try reader.int("n_routed_experts", "num_local_experts", "num_experts", default: 256),
            chosen: try reader.int("num_experts_per_tok", default: 8), scoring: .sigmoid, groups: groups,
            normalization: try reader.flag("norm_topk_prob", default: true) ? .sum(plus: 1e-20) : .none,
            factor: Float(try reader.number("routed_scaling_factor", default: 2.5)))
        let shared = try reader.int("n_shared_experts", default: 1)
        guard shared >= 0, shared < 1 << 12, hidden > 0, hidden < 1 << 22 else {
            throw reader.wrong("n_shared_experts", "from 0 to \((1 << 12) - 1)", "\(shared)")
        }
        return ExpertsSpec(
            routing: routing, hidden: hidden, gate: .function(activation), router: .corrected,
            shared: shared > 0 ? .gated(hidden: shared * hidden, activation) : .none)
    }

    private static func deepseekFields(_ spec: TransformerSpec) -> JSONObject? {
        guard case .latentAttention(let attention)? = spec.layers.first?.mixer else { return nil }
        let shape = AttentionSpec(heads: attention.heads, kvHeads: attention.heads, headWidth: attention.rotaryWidth)
        var fields = DecoderFields.json(spec, shape)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        fields["q_lora_rank"] = if case .latent(let rank) = attention.query { JSON(rank) } else { .null }
        for (key, value) in [
            ("kv_lora_rank", attention.latentWidth), ("qk_rope_head_dim", attention.rotaryWidth), ("qk_nope_head_dim", attention.plainWidth),
            ("v_head_dim", attention.valueWidth),
        ] { fields[key] = JSON(value) }
        fields["rope_interleave"] = .bool(attention.rotary.pairing == .interleaved)
        let first = spec.layers.prefix { if case .experts = $0.feedForward { false } else { true } }.count
        fields["first_k_dense_replace"] = JSON(first)
        fields["intermediate_size"] = JSON(spec.firstDenseHidden ?? spec.width)
        if let experts = spec.firstExperts { deepseekFields(experts, &fields) }
        if let activation = spec.firstActivation { fields["hidden_act"] = .string(activation.function) }
        RopeConfig.write(attention.rotary, headWidth: attention.rotaryWidth, into: &fields)
        return deepseekScale(attention, &fields) ? fields : nil
    }

    private static func deepseekFields(_ experts: ExpertsSpec, _ fields: inout JSONObject) {
        fields["moe_intermediate_size"] = JSON(experts.hidden)
        fields["n_routed_experts"] = JSON(experts.routing.experts)
        fields["num_experts_per_tok"] = JSON(experts.routing.chosen)
        fields["n_group"] = JSON(experts.routing.groups?.count ?? 1)
        fields["topk_group"] = JSON(experts.routing.groups?.kept ?? 1)
        fields["norm_topk_prob"] = .bool(experts.routing.normalization != .none)
        fields["routed_scaling_factor"] = JSON(experts.routing.factor)
        fields["n_shared_experts"] = 0
        if case .gated(let hidden, _) = experts.shared { fields["n_shared_experts"] = JSON(hidden / max(experts.hidden, 1)) }
    }

    /// Writes `mscale_all_dim` where the scale is not the plain one; false where no value says it.
    private static func deepseekScale(_ attention: LatentAttentionSpec, _ fields: inout JSONObject) -> Bool {
        let growth = Double(attention.scale) * Double(attention.headWidth).squareRoot()
        if abs(growth - 1) < 1e-6 { return true }
        guard case .yarn(let yarn) = attention.rotary.scaling, yarn.factor > 1, growth > 1, var table = fields["rope_parameters"]?.object else { return false }
        table["mscale_all_dim"] = .number((growth.squareRoot() - 1) / (0.1 * log(yarn.factor)))
        fields["rope_parameters"] = .object(table)
        fields["rope_scaling"] = .object(table)
        return true
    }

    private static func deepseekWeights(_ spec: TransformerSpec) -> WeightMap {
        guard case .latentAttention(let attention)? = spec.layers.first?.mixer else { return WeightMap([]) }
        let layer = "model.layers.{}", block = "blocks.{}", path = "model.layers.{}.mlp"
        var rows = CommonRows.ends("model.embed_tokens", "model.norm") + CommonRows.norms(layer, CommonRows.preNorms)
        for (theirs, ours) in [
            ("q_proj", "query"), ("q_a_proj", "queryDown"), ("q_a_layernorm", "queryNorm"), ("q_b_proj", "queryUp"),
            ("kv_a_proj_with_mqa", "keyValueDown"), ("kv_a_layernorm", "keyValueNorm"), ("kv_b_proj", "keyValueUp"), ("o_proj", "out"),
        ] { rows += CommonRows.pair("\(layer).self_attn.\(theirs)", "\(block).attention.\(ours)") }
        if let hidden = spec.firstDenseHidden { rows += CommonRows.gated(path, hidden: hidden, "\(block).feedForward") }
        if let experts = spec.firstExperts {
            rows += CommonRows.experts(experts, width: spec.width, path, router: "gate")
            rows.append(.same("\(path).gate.e_score_correction_bias") <-> "\(block).feedForward.correction")
            if case .gated(let hidden, _) = experts.shared {
                rows += CommonRows.gated("\(path).shared_experts", hidden: hidden, "\(block).feedForward.shared")
            }
        }
        _ = attention
        // Layers that predict further tokens lie behind the last one.
        let behind = (spec.layers.count..<spec.layers.count + 8).map { "model.layers.\($0)." }
        return WeightMap(rows, prefix: "model.", ignored: CommonRows.ignored(spec), ignoredBelow: behind)
    }
}
