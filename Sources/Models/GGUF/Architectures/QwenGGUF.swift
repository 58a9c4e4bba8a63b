import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// Qwen2 and 2.5.
    static let qwen2 = GGUFArchitecture(
        "qwen2", families: ["qwen2"], read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })

    /// Qwen3.
    static let qwen3 = GGUFArchitecture(
        "qwen3", families: ["qwen3"], limits: GGUFLimits(other: { GGUFLimits.Refusal.attentionBiases($0) }),
        read: { metadata, config throws(FileError) in
            try GGUFRope.read(&metadata, &config)
            if metadata.holds("blk.0.attn_output.bias") { config["attention_bias"] = true }
        },
        write: { spec, config in GGUFRope.settings(spec) })
}
