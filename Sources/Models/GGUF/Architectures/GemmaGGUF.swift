import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// Gemma: the norms' weights are stored with their offset.
    static let gemma = GGUFArchitecture(
        "gemma", families: ["gemma"], limits: GGUFLimits(head: .tied), read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })

    static let gemma2 = GGUFArchitecture(
        "gemma2", families: ["gemma2"],
        fields: GGUFField.common + [
            GGUFField("attention.sliding_window", "sliding_window"), GGUFField("attn_logit_softcapping", "attn_logit_softcapping", .number),
            GGUFField("final_logit_softcapping", "final_logit_softcapping", .number),
        ],
        limits: GGUFLimits(head: .tied),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["query_pre_attn_scalar"] = gemmaScalar(config, largest: 46)
        },
        write: { spec, config in GGUFRope.settings(spec) })

    /// The base of the layers with a window is fixed; newer files say it.
    static let gemma3 = GGUFArchitecture(
        "gemma3", families: ["gemma3_text"],
        fields: GGUFField.common + [
            GGUFField("attention.sliding_window", "sliding_window"), GGUFField("final_logit_softcapping", "final_logit_softcapping", .number),
        ],
        read: { metadata, config throws(FileError) in
            config["rope_theta"] = config["rope_theta"] ?? 1_000_000
            try GGUFRope.read(&metadata, &config)
            let local = try metadata.number("rope.freq_base_swa") ?? 10_000
            config["rope_parameters"] = [
                "full_attention": config["rope_parameters"] ?? .null, "sliding_attention": ["rope_type": "default", "rope_theta": .number(local)],
            ]
            metadata.ignore("attention.sliding_window_pattern", "rope.dimension_count_swa", "attention.key_length_swa", "attention.value_length_swa")
            config["query_pre_attn_scalar"] = gemmaScalar(config, largest: 62)
        },
        write: { spec, config in
            guard let full = spec.layers.first(where: { block in if case .attention(let attention) = block.mixer { attention.span.window == 0 } else { false } })
            else { return nil }
            var settings = spec
            settings.layers = LayerPattern(full, count: spec.layers.count)
            let local = config["rope_parameters"]?["sliding_attention"]?["rope_theta"]?.double ?? 10_000
            return GGUFRope.settings(settings).map { $0 + (local == 10_000 ? [] : [GGUFSetting("rope.freq_base_swa", .f32(Float(local)))]) }
        })

    /// What scores are divided by the root of: the head's width, but the width over the heads in the largest models, told by their layers.
    private static func gemmaScalar(_ config: JSONObject, largest: Int) -> JSON {
        guard config["num_hidden_layers"]?.int == largest, let width = config["hidden_size"]?.int, let heads = config["num_attention_heads"]?.int, heads > 0
        else { return config["head_dim"] ?? 256 }
        return JSON(width / heads)
    }
}
