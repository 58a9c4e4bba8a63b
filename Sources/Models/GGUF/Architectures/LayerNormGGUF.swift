import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// StarCoder2: layer norms, a plain feed-forward, biases.
    static let starcoder2 = GGUFArchitecture(
        "starcoder2", families: ["starcoder2"], fields: GGUFField.common + [GGUFField("attention.layer_norm_epsilon", "norm_epsilon", .number)],
        limits: GGUFLimits(
            windowCounts: false,
            other: { spec in spec.firstAttention?.biases == .both ? nil : GGUFLimits.Refusal("use_bias", "llama.cpp needs the biases of this architecture") }),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["use_bias"] = .bool(metadata.holds("blk.0.attn_q.bias"))
            // llama.cpp has no window in this architecture; files of ours say one.
            config["sliding_window"] = try metadata.int("attention.sliding_window").map { JSON($0) }
        },
        write: { spec, config in GGUFRope.settings(spec).map { $0 + GGUFSetting.window(config) } })

    /// StableLM 2: layer norms, part of each head turns.
    static let stablelm = GGUFArchitecture(
        "stablelm", families: ["stablelm"],
        fields: GGUFField.common + [
            GGUFField("attention.layer_norm_epsilon", "layer_norm_eps", .number), GGUFField("use_parallel_residual", "use_parallel_residual", .flag),
        ],
        limits: GGUFLimits(head: .own),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["use_qkv_bias"] = .bool(metadata.holds("blk.0.attn_q.bias"))
            config["qk_layernorm"] = .bool(metadata.holds("blk.0.attn_q_norm.weight"))
            // Files say true for every model; what tells is the norm of the feed-forward.
            config["use_parallel_residual"] = .bool(!metadata.holds("blk.0.ffn_norm.weight"))
            config["partial_rotary_factor"] = config["partial_rotary_factor"] ?? 1.0
        },
        write: { spec, config in GGUFRope.settings(spec) })

    /// Falcon 7B, 40B, 180B: parallel parts; in the larger ones the attention's norm is the second.
    static let falcon = GGUFArchitecture(
        "falcon", families: ["falcon"],
        fields: [
            GGUFField("context_length", "max_position_embeddings"), GGUFField("embedding_length", "hidden_size"),
            GGUFField("block_count", "num_hidden_layers"), GGUFField("feed_forward_length", "ffn_hidden_size"),
            GGUFField("attention.head_count", "num_attention_heads"), GGUFField("attention.head_count_kv", "num_kv_heads"),
            GGUFField("attention.layer_norm_epsilon", "layer_norm_epsilon", .number), GGUFField("rope.freq_base", "rope_theta", .number),
        ],
        layout: GGUFLayout(
            projections: .fused, norms: { block in block.residual == .parallelTwoNorms ? ["norm1": "attn_norm_2", "norm2": "attn_norm"] : [:] }),
        limits: GGUFLimits(other: { spec in
            spec.firstAttention?.biases == .both ? GGUFLimits.Refusal("bias", "llama.cpp has no place for the biases of this architecture") : nil
        }),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["head_dim"] = nil
            let two = metadata.holds("blk.0.attn_norm_2.weight")
            let isOld = !two && config["num_kv_heads"]?.int ?? 1 == 1
            (config["new_decoder_architecture"], config["multi_query"]) = (.bool(!isOld), .bool(isOld))
            (config["parallel_attn"], config["num_ln_in_parallel_attn"]) = (true, two ? 2 : 1)
            config["bias"] = .bool(metadata.holds("blk.0.attn_output.bias"))
        },
        write: { spec, config in GGUFRope.settings(spec) })
}
