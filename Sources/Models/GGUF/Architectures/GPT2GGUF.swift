import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// GPT-2, whose configuration has names of its own.
    static let gpt2 = GGUFArchitecture(
        "gpt2", families: ["gpt2"],
        fields: [
            GGUFField("context_length", "n_positions"), GGUFField("embedding_length", "n_embd"), GGUFField("block_count", "n_layer"),
            GGUFField("attention.head_count", "n_head"), GGUFField("feed_forward_length", "n_inner"),
            GGUFField("attention.layer_norm_epsilon", "layer_norm_epsilon", .number),
        ],
        layout: GGUFLayout(projections: .fused), read: { metadata, config throws(FileError) in metadata.ignore("rope.dimension_count") },
        write: { spec, config in
            config["n_inner"]?.int == nil ? [GGUFSetting("feed_forward_length", .u32(UInt32(spec.layers[0].feedForward.hidden)))] : []
        })
}
