import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// OPT (Zhang et al. 2022): learned positions from row 2 on; the 350M model normalizes after each part and has narrower token rows.
    static let opt = Family(
        name: "opt", architecture: "OPTForCausalLM", spec: { reader throws(FileError) in try optSpec(&reader) }, fields: optFields,
        weights: optWeights, scoring: .texts())

    private static func optSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("hidden_size")
        let heads = try reader.int("num_attention_heads")
        let layers = try reader.layers("num_hidden_layers")
        guard heads > 0, width % heads == 0 else {
            throw reader.wrong("num_attention_heads", "a divisor of hidden_size \(width)", "\(heads)")
        }
        let learns: NormParameters = try reader.flag("layer_norm_elementwise_affine", default: true) ? .weightAndBias : .none
        let norm = Norm.layer(epsilon: 1e-5, learns)
        let biases: Biases = try reader.flag("enable_bias", default: true) ? .both : .none
        let attention = AttentionSpec(heads: heads, kvHeads: heads, headWidth: width / heads, biases: biases)
        let feedForward = FeedForward.plain(
            hidden: try reader.int("ffn_dim"), try ActivationNames.read(&reader, "activation_function", default: "relu"), biases)
        let before = try reader.flag("do_layer_norm_before", default: true)
        let noFinal = try reader.flag("_remove_final_layer_norm", default: false)
        let tokenWidth = try reader.optionalInt("word_embed_proj_dim") ?? width
        try reader.notDropped("layerdrop", "activation_dropout")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: before ? .pre : .post)
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: try reader.int("max_position_embeddings", default: 2048),
            embedding: EmbeddingSpec(tokenWidth: tokenWidth == width ? nil : tokenWidth, positions: .learned(offset: 2, counting: .tokens)),
            layers: LayerPattern(block, count: layers), finalNorm: before && !noFinal ? norm : nil,
            head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(
                embedding: 0, residual: Float(try reader.number("dropout", default: 0.1)),
                attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("init_std", default: 0.02)), outputs: .same))
    }

    private static func optFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation else { return nil }
        let before = spec.layers[0].residual == .pre
        return [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "num_hidden_layers": JSON(spec.layers.count),
            "num_attention_heads": JSON(attention.heads), "ffn_dim": JSON(spec.layers[0].feedForward.hidden),
            "max_position_embeddings": JSON(spec.context), "activation_function": .string(activation.function),
            "do_layer_norm_before": .bool(before), "_remove_final_layer_norm": .bool(before && spec.finalNorm == nil),
            "word_embed_proj_dim": JSON(spec.tokenWidth), "enable_bias": .bool(attention.biases == .both),
            "layer_norm_elementwise_affine": .bool(spec.layers[0].norm.hasWeight), "dropout": JSON(spec.dropout.residual),
            "attention_dropout": JSON(spec.dropout.attention), "init_std": JSON(spec.initialization.deviation),
            "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func optWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "model.decoder.layers.{}", block = "blocks.{}"
        var rows = CommonRows.ends("model.decoder.embed_tokens", "model.decoder.final_layer_norm")
        rows += CommonRows.norms(layer, [("self_attn_layer_norm", .norm1), ("final_layer_norm", .norm2)])
        rows += [
            "model.decoder.embed_positions.weight" <-> "embedding.positions.weight",
            "model.decoder.project_in.weight" <-> "embedding.widen.weight", "model.decoder.project_out.weight" <-> "head.narrow.weight",
        ]
        rows += CommonRows.projections(attention, "\(layer).self_attn")
        for (theirs, ours) in [("self_attn.out_proj", "attention.out"), ("fc1", "feedForward.up"), ("fc2", "feedForward.down")] {
            rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)")
        }
        return WeightMap(rows, prefix: "model.", ignored: CommonRows.ignored(spec))
    }
}
