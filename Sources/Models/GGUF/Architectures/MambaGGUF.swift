import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// Mamba: a state space in place of attention, no feed-forward.
    static let mamba = GGUFArchitecture(
        "mamba", families: ["mamba"],
        fields: [
            GGUFField("context_length", "max_position_embeddings"), GGUFField("embedding_length", "hidden_size"), GGUFField("block_count", "num_hidden_layers"),
            GGUFField("ssm.conv_kernel", "conv_kernel"), GGUFField("ssm.inner_size", "intermediate_size"), GGUFField("ssm.state_size", "state_size"),
            GGUFField("ssm.time_step_rank", "time_step_rank"), GGUFField("attention.layer_norm_rms_epsilon", "layer_norm_epsilon", .number),
        ],
        limits: GGUFLimits(other: { spec in
            guard case .stateSpace(let space)? = spec.layers.first?.mixer else { return nil }
            if space.biases != .none { return GGUFLimits.Refusal("use_bias", "GGUF has no place for the biases of this architecture") }
            return space.convolutionBias == .learned ? nil : GGUFLimits.Refusal("use_conv_bias", "llama.cpp needs the biases of this architecture's convolution")
        }),
        read: { metadata, config throws(FileError) in
            metadata.ignore("feed_forward_length", "attention.head_count", "ssm.group_count")
            if let norms = try metadata.value("ssm.dt_b_c_rms"), norms != false { throw metadata.wrong("ssm.dt_b_c_rms", "false", norms) }
            let (inner, width) = (config["intermediate_size"]?.int ?? 0, config["hidden_size"]?.int ?? 0)
            guard width > 0, inner > 0, inner % width == 0 else { throw metadata.wrong("ssm.inner_size", "a multiple of the width \(width)", JSON(inner)) }
            config["expand"] = JSON(inner / width)
            config["use_conv_bias"] = .bool(metadata.holds("blk.0.ssm_conv1d.bias"))
        },
        write: { spec, config in [GGUFSetting("feed_forward_length", .u32(0)), GGUFSetting("attention.head_count", .u32(0))] })
}
