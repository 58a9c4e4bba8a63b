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
        limits: GGUFLimits(other: { spec in
            let isWhole = spec.layers.cycle.allSatisfy { if case .experts = $0.feedForward { true } else { false } }
            return GGUFLimits.Refusal.attentionBiases(spec)
                ?? (isWhole ? nil : GGUFLimits.Refusal("mlp_only_layers", "llama.cpp needs experts in every layer of this architecture"))
        }),
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
        limits: GGUFLimits(
            head: .own,
            other: { spec in
                guard let attention = spec.firstAttention, attention.kvHeads != attention.heads else { return nil }
                return GGUFLimits.Refusal(
                    "num_key_value_heads",
                    "llama.cpp opens this architecture only where there are as many heads of keys as of queries (\(attention.kvHeads) and \(attention.heads) here)")
            },
            differences: { spec in
                spec.firstAttention?.clip.map { ["does not limit queries, keys and values to \($0) (clip_qkv) in this architecture: it computes something else"] } ?? []
            }),
        read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })

    /// gpt-oss: experts with clamped gates and biases, sinks, every other layer a window.
    static let gptOSS = GGUFArchitecture(
        "gpt-oss", families: ["gpt_oss"],
        fields: GGUFField.common + GGUFField.experts + [
            GGUFField("expert_feed_forward_length", "intermediate_size"), GGUFField("attention.sliding_window", "sliding_window"),
        ],
        layout: GGUFLayout(norms: { _ in ["norm2": "post_attention_norm"] }),
        limits: GGUFLimits(head: .own, differences: { spec in
            guard case .yarn(let yarn) = spec.firstAttention?.rotary?.scaling, yarn.range == .exact else { return [] }
            return ["rounds the limits between which YaRN goes over to whole pairs, where this model says truncate: false: its numbers differ somewhat"]
        }),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            // As the model was made; llama.cpp rounds the limits of the range to whole pairs.
            if config["rope_parameters"]?["rope_type"] == "yarn" { config["rope_parameters"]?["truncate"] = false }
        },
        write: { spec, config in GGUFRope.settings(spec) })
}
