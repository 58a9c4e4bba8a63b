import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFField {
    /// How many experts there are, and how many a position uses.
    static let experts = [GGUFField("expert_count", "num_local_experts"), GGUFField("expert_used_count", "num_experts_per_tok")]
}

extension GGUFArchitecture {
    /// Qwen3 with experts; the chosen ones' weights are brought to a sum of one.
    static let qwen3moe = GGUFArchitecture(
        "qwen3moe", families: ["qwen3_moe"],
        fields: GGUFField.common + [
            GGUFField("expert_count", "num_experts"), GGUFField("expert_used_count", "num_experts_per_tok"),
            GGUFField("expert_feed_forward_length", "moe_intermediate_size"),
        ],
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["norm_topk_prob"] = true
            if metadata.holds("blk.0.attn_output.bias") { config["attention_bias"] = true }
            let layers = min(config["num_hidden_layers"]?.int ?? 0, 1 << 12)
            config["mlp_only_layers"] = .array((0..<max(layers, 0)).filter { !metadata.holds("blk.\($0).ffn_gate_inp.weight") }.map { JSON($0) })
        },
        write: { spec, config in GGUFRope.settings(spec) })

    /// OLMoE: experts in every layer, q and k normalized as whole vectors.
    static let olmoe = GGUFArchitecture(
        "olmoe", families: ["olmoe"],
        fields: GGUFField.common + [
            GGUFField("expert_count", "num_experts"), GGUFField("expert_used_count", "num_experts_per_tok"),
            GGUFField("attention.clamp_kqv", "clip_qkv", .number),
        ],
        read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })

    /// gpt-oss: experts with clamped gates and biases, sinks, every other layer a window.
    static let gptOSS = GGUFArchitecture(
        "gpt-oss", families: ["gpt_oss"],
        fields: GGUFField.common + GGUFField.experts + [
            GGUFField("expert_feed_forward_length", "intermediate_size"), GGUFField("attention.sliding_window", "sliding_window"),
        ],
        layout: GGUFLayout(norms: { _ in ["norm2": "post_attention_norm"] }),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            if config["rope_parameters"]?["rope_type"] == "yarn" { config["rope_parameters"]?["truncate"] = false }
        },
        write: { spec, config in GGUFRope.settings(spec) })

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
        read: { metadata, config throws(FileError) in try deepseekConfig(&metadata, &config) },
        write: { spec, config in
            guard case .latentAttention(let attention)? = spec.layers.first?.mixer, attention.rotary.pairing == .interleaved else { return nil }
            var settings = [
                GGUFSetting("attention.head_count_kv", .u32(1)), GGUFSetting("attention.key_length", .u32(UInt32(attention.cachedWidth))),
                GGUFSetting("attention.value_length", .u32(UInt32(attention.latentWidth))),
                GGUFSetting("attention.key_length_mla", .u32(UInt32(attention.headWidth))),
                GGUFSetting("attention.value_length_mla", .u32(UInt32(attention.valueWidth))), GGUFSetting("expert_gating_func", .u32(2)),
            ]
            settings += GGUFRope.scaling(attention.rotary) ?? []
            guard case .yarn = attention.rotary.scaling else { return attention.rotary.scaling == .none ? settings : nil }
            let table = config["rope_parameters"]
            if let all = table?["mscale_all_dim"]?.double { settings.append(GGUFSetting("rope.scaling.yarn_log_multiplier", .f32(Float(0.1 * all)))) }
            return settings
        })

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
        if let gating = try metadata.int("expert_gating_func"), gating != 2 { throw metadata.wrong("expert_gating_func", "2 (sigmoid)", JSON(gating)) }
        metadata.ignore("attention.head_count_kv", "vocab_size")
        config["head_dim"] = JSON(turning)
        try GGUFRope.read(&metadata, &config)
        config["head_dim"] = nil
        if config["rope_parameters"]?["rope_type"] == "yarn", let multiplier = try metadata.number("rope.scaling.yarn_log_multiplier") {
            // Equal values of both leave cosines as they are; the scores' scale grows instead.
            config["rope_parameters"]?["mscale_all_dim"] = .number(multiplier * 10)
            config["rope_parameters"]?["mscale"] = .number(multiplier * 10)
        }
        (config["n_group"], config["topk_group"]) = (config["n_group"] ?? 1, config["topk_group"] ?? 1)
        config["norm_topk_prob"] = config["norm_topk_prob"] ?? false
        config["routed_scaling_factor"] = config["routed_scaling_factor"] ?? 1.0
    }

    /// Mamba: a state space in place of attention, no feed-forward.
    static let mamba = GGUFArchitecture(
        "mamba", families: ["mamba"],
        fields: [
            GGUFField("context_length", "max_position_embeddings"), GGUFField("embedding_length", "hidden_size"), GGUFField("block_count", "num_hidden_layers"),
            GGUFField("ssm.conv_kernel", "conv_kernel"), GGUFField("ssm.inner_size", "intermediate_size"), GGUFField("ssm.state_size", "state_size"),
            GGUFField("ssm.time_step_rank", "time_step_rank"), GGUFField("attention.layer_norm_rms_epsilon", "layer_norm_epsilon", .number),
        ],
        read: { metadata, config throws(FileError) in
            metadata.ignore("feed_forward_length", "attention.head_count", "ssm.dt_b_c_rms", "ssm.group_count")
            let (inner, width) = (config["intermediate_size"]?.int ?? 0, config["hidden_size"]?.int ?? 0)
            guard width > 0, inner > 0, inner % width == 0 else { throw metadata.wrong("ssm.inner_size", "a multiple of the width \(width)", JSON(inner)) }
            config["expand"] = JSON(inner / width)
            config["use_conv_bias"] = .bool(metadata.holds("blk.0.ssm_conv1d.bias"))
        },
        write: { spec, config in [GGUFSetting("feed_forward_length", .u32(0)), GGUFSetting("attention.head_count", .u32(0))] })
}
