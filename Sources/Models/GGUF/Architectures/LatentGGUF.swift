import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// DeepSeek-V3: latent attention, experts in groups, first layers dense.
    static let deepseek2 = GGUFArchitecture(
        "deepseek2", families: ["deepseek_v3"],
        fields: [
            GGUFField("context_length", "max_position_embeddings"), GGUFField("embedding_length", "hidden_size"),
            GGUFField("block_count", "num_hidden_layers"), GGUFField("feed_forward_length", "intermediate_size"),
            GGUFField("attention.head_count", "num_attention_heads"), GGUFField("rope.freq_base", "rope_theta", .number),
            GGUFField("attention.layer_norm_rms_epsilon", "rms_norm_eps", .number), GGUFField("attention.q_lora_rank", "q_lora_rank"),
            GGUFField("attention.kv_lora_rank", "kv_lora_rank"), GGUFField("rope.dimension_count", "qk_rope_head_dim"),
            GGUFField("leading_dense_block_count", "first_k_dense_replace"), GGUFField("expert_count", "n_routed_experts"),
            GGUFField("expert_used_count", "num_experts_per_tok"), GGUFField("expert_shared_count", "n_shared_experts"),
            GGUFField("expert_feed_forward_length", "moe_intermediate_size"), GGUFField("expert_weights_scale", "routed_scaling_factor", .number),
            GGUFField("expert_weights_norm", "norm_topk_prob", .flag), GGUFField("expert_group_count", "n_group"),
            GGUFField("expert_group_used_count", "topk_group"),
        ],
        limits: GGUFLimits(other: deepseekRefusal),
        read: { metadata, config throws(FileError) in try deepseekConfig(&metadata, &config) },
        write: { spec, config in
            // One epsilon serves all norms there, and experts have a shared one beside them.
            guard case .latentAttention(let attention)? = spec.layers.first?.mixer, attention.rotary.pairing == .interleaved,
                attention.norm.epsilon == spec.layers[0].norm.epsilon, spec.firstExperts.map({ $0.shared != .none }) ?? true
            else { return nil }
            var settings = [
                GGUFSetting("attention.head_count_kv", .u32(1)), GGUFSetting("attention.key_length", .u32(UInt32(attention.cachedWidth))),
                GGUFSetting("attention.value_length", .u32(UInt32(attention.latentWidth))),
                GGUFSetting("attention.key_length_mla", .u32(UInt32(attention.headWidth))),
                GGUFSetting("attention.value_length_mla", .u32(UInt32(attention.valueWidth))), GGUFSetting("expert_gating_func", .u32(2)),
            ]
            settings += GGUFRope.scaling(attention.rotary) ?? []
            guard case .yarn = attention.rotary.scaling else { return attention.rotary.scaling == .none ? settings : nil }
            guard let all = config["rope_parameters"]?["mscale_all_dim"]?.double else { return nil }
            return settings + [GGUFSetting("rope.scaling.yarn_log_multiplier", .f32(Float((all * 1e5).rounded() / 1e6)))]
        })

    /// llama.cpp tells the small models, whose queries go through no narrow state, by how many layers they have.
    @Sendable private static func deepseekRefusal(_ spec: TransformerSpec) -> GGUFLimits.Refusal? {
        guard case .latentAttention(let attention)? = spec.layers.first?.mixer else { return nil }
        let isSmall = [26, 27].contains(spec.layers.count)
        let isNarrow = if case .latent = attention.query { true } else { false }
        if isSmall == isNarrow {
            return GGUFLimits.Refusal("q_lora_rank", "llama.cpp opens this architecture without q_lora_rank only where there are 26 or 27 layers, and with it only where there are not")
        }
        if spec.firstExperts == nil { return GGUFLimits.Refusal("first_k_dense_replace", "llama.cpp needs experts in this architecture") }
        return nil
    }

    private static func deepseekConfig(_ metadata: inout GGUFMetadata, _ config: inout JSONObject) throws(FileError) {
        let turning = config["qk_rope_head_dim"]?.int ?? 64
        let oldKey = try metadata.int("attention.key_length"), oldValue = try metadata.int("attention.value_length")
        let key = try metadata.int("attention.key_length_mla"), value = try metadata.int("attention.value_length_mla")
        guard let head = key ?? oldKey, head > turning, let width = value ?? oldValue, width > 0 else {
            throw metadata.wrong("attention.key_length", "more than the rotary part \(turning)", oldKey.map { JSON($0) } ?? .null)
        }
        (config["qk_nope_head_dim"], config["v_head_dim"], config["rope_interleave"]) = (JSON(head - turning), JSON(width), true)
        config["num_key_value_heads"] = config["num_attention_heads"]
        if config["q_lora_rank"] == nil { config["q_lora_rank"] = .null }
        let gating = try metadata.int("expert_gating_func")
        guard gating == 2 else { throw metadata.wrong("expert_gating_func", "2 (sigmoid, DeepSeek-V3)", gating.map { JSON($0) } ?? .null) }
        metadata.ignore("attention.head_count_kv", "vocab_size")
        config["head_dim"] = JSON(turning)
        try GGUFRope.read(&metadata, &config)
        config["head_dim"] = nil
        if config["rope_parameters"]?["rope_type"] == "yarn" {
            guard let multiplier = try metadata.number("rope.scaling.yarn_log_multiplier") else {
                throw metadata.wrong("rope.scaling.yarn_log_multiplier", "a number", .null)
            }
            // Equal values of both leave cosines as they are; the scores' scale grows instead.
            for field in ["mscale_all_dim", "mscale"] { config["rope_parameters"]?[field] = .number(multiplier * 10) }
        }
        (config["n_group"], config["topk_group"]) = (config["n_group"] ?? 1, config["topk_group"] ?? 1)
        config["norm_topk_prob"] = config["norm_topk_prob"] ?? false
        config["routed_scaling_factor"] = config["routed_scaling_factor"] ?? 1.0
    }
}
