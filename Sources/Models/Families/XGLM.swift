import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// XGLM (Lin et al. 2021): scaled embeddings, fixed waves for positions, norms before each part.
    static let xglm = Family(
        name: "xglm", architecture: "XGLMForCausalLM", spec: { reader throws(FileError) in try xglmSpec(&reader) }, fields: xglmFields,
        weights: xglmWeights, scoring: .none)

    private static func xglmSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("d_model", "hidden_size")
        let heads = try reader.int("attention_heads", "num_attention_heads")
        let layers = try reader.layers("num_layers", "num_hidden_layers")
        guard heads > 0, width % heads == 0 else { throw reader.wrong("attention_heads", "a divisor of d_model \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: 1e-5, .weightAndBias)
        let attention = AttentionSpec(heads: heads, kvHeads: heads, headWidth: width / heads, biases: .both)
        let feedForward = FeedForward.plain(
            hidden: try reader.int("ffn_dim"), try ActivationNames.read(&reader, "activation_function", default: "gelu"), .both)
        let scaled = try reader.flag("scale_embedding", default: true)
        // The row of the padding token is zero, also where a position has it.
        let waves = Sinusoidal(offset: 2, zeroRow: try reader.nullableInt("pad_token_id", default: 1))
        try reader.notDropped("layerdrop", "activation_dropout")
        let dropout = Float(try reader.number("dropout", default: 0.1))
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: try reader.int("max_position_embeddings", default: 2048),
            embedding: EmbeddingSpec(scale: scaled ? Float(Double(max(width, 0)).squareRoot()) : 1, positions: .sinusoidal(waves)),
            layers: LayerPattern(block, count: layers), finalNorm: norm,
            head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(embedding: dropout, residual: dropout, attention: Float(try reader.number("attention_dropout", default: 0.1))),
            initialization: Initialization(deviation: Float(try reader.number("init_std", default: 0.02)), outputs: .same))
    }

    private static func xglmFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation, case .sinusoidal(let waves) = spec.embedding.positions
        else { return nil }
        return [
            "vocab_size": JSON(spec.vocabulary), "d_model": JSON(spec.width), "num_layers": JSON(spec.layers.count),
            "attention_heads": JSON(attention.heads), "ffn_dim": JSON(spec.layers[0].feedForward.hidden),
            "max_position_embeddings": JSON(spec.context), "activation_function": .string(activation.function),
            "scale_embedding": .bool(spec.embedding.scale != 1), "pad_token_id": waves.zeroRow.map { JSON($0) } ?? .null,
            "dropout": JSON(spec.dropout.residual), "attention_dropout": JSON(spec.dropout.attention), "activation_dropout": 0.0,
            "layerdrop": 0.0, "init_std": JSON(spec.initialization.deviation), "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func xglmWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "model.layers.{}", block = "blocks.{}"
        var rows = CommonRows.ends("model.embed_tokens", "model.layer_norm")
        rows += CommonRows.norms(layer, [("self_attn_layer_norm", .norm1), ("final_layer_norm", .norm2)])
        rows += CommonRows.projections(attention, "\(layer).self_attn")
        for (theirs, ours) in [("self_attn.out_proj", "attention.out"), ("fc1", "feedForward.up"), ("fc2", "feedForward.down")] {
            rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)")
        }
        return WeightMap(rows, prefix: "model.", ignored: CommonRows.ignored(spec) + ["embed_positions.weights"])
    }
}
