import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// Llama, and what llama.cpp converts to it: Mistral, Mixtral. Rotary pairs are neighbors: the rows of q and k are reordered.
    static let llama = GGUFArchitecture(
        "llama", families: ["llama", "mistral", "mixtral"], fields: GGUFField.common + GGUFField.experts, layout: GGUFLayout(rotaryRows: .neighbors),
        limits: GGUFLimits(factors: .two, windowCounts: false),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            // llama.cpp has no window in this architecture; files of ours say one.
            if let window = try metadata.int("attention.sliding_window") { (config["model_type"], config["sliding_window"]) = ("mistral", JSON(window)) }
            if config["num_local_experts"]?.int ?? 0 > 0 {
                config["model_type"] = "mixtral"
            } else {
                (config["num_local_experts"], config["num_experts_per_tok"]) = (nil, nil)
            }
            if metadata.holds("blk.0.attn_output.bias") { config["attention_bias"] = true }
            if metadata.holds("blk.0.ffn_up.bias") { config["mlp_bias"] = true }
        },
        write: { spec, config in GGUFRope.settings(spec).map { $0 + GGUFSetting.window(config) } })

    /// Llama with factors on the embedding, on what joins the stream, on scores and on logits.
    static let granite = GGUFArchitecture(
        "granite", families: ["granite"],
        fields: GGUFField.common + [
            GGUFField("embedding_scale", "embedding_multiplier", .number), GGUFField("residual_scale", "residual_multiplier", .number),
            GGUFField("attention.scale", "attention_multiplier", .number), GGUFField("logit_scale", "logits_scaling", .number),
        ],
        layout: GGUFLayout(rotaryRows: .neighbors), limits: GGUFLimits(factors: .two),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            if metadata.holds("blk.0.attn_output.bias") { config["attention_bias"] = true }
            if metadata.holds("blk.0.ffn_up.bias") { config["mlp_bias"] = true }
        },
        write: { spec, config in GGUFRope.settings(spec) })

    /// Llama where every fourth layer has no positions.
    static let smollm3 = GGUFArchitecture(
        "smollm3", families: ["smollm3"], layout: GGUFLayout(rotaryRows: .neighbors),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            config["no_rope_layer_interval"] = 4
        },
        write: { spec, config in GGUFRope.settings(spec) })
}

extension GGUFSetting {
    /// The window of a configuration that has one.
    static func window(_ config: JSON) -> [GGUFSetting] {
        config["sliding_window"]?.int.flatMap { UInt32(exactly: $0) }.map { [GGUFSetting("attention.sliding_window", .u32($0))] } ?? []
    }
}
