import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// BLOOM (BigScience 2022): ALiBi, a norm after the embedding, q, k and v head by head in one tensor.
    static let bloom = Family(
        name: "bloom", architecture: "BloomForCausalLM", spec: { reader throws(FileError) in try bloomSpec(&reader) },
        fields: bloomFields, weights: bloomWeights, scoring: .both(wordLayer: "classifier"))

    private static func bloomSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("n_embed", "hidden_size", default: 64)
        reader.ignore("hidden_size")
        let heads = try reader.int("n_head", "num_attention_heads", default: 8)
        let layers = try reader.layers("n_layer", "num_hidden_layers", default: 2)
        guard heads > 0, width % heads == 0 else { throw reader.wrong("n_head", "a divisor of hidden_size \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weightAndBias)
        // Summing the slices of tensor parallelism one by one leaves the biases out; otherwise the number of slices changes nothing.
        let sliced = try reader.flag("slow_but_exact", default: false)
        let slices = try reader.int("pretraining_tp", default: 1)
        let biases: Biases = sliced && slices > 1 ? .input : .both
        let attention = AttentionSpec(
            heads: heads, kvHeads: heads, headWidth: width / heads, positions: .alibi(maxBias: 8), biases: biases)
        let feedForward = FeedForward.plain(hidden: width.multipliedReportingOverflow(by: 4).partialValue, .geluTanh, biases)
        reader.ignore(
            "offset_alibi", "unk_token_id", "skip_bias_add", "skip_bias_add_qkv", "bias_dropout_fusion", "masked_softmax_fusion",
            "attention_softmax_in_fp32", "n_inner")
        let normalized = try reader.flag("apply_residual_connection_post_layernorm", default: false)
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: normalized ? .normalized : .pre)
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size", default: 250_880), width: width, context: try reader.int("seq_length", default: 2048),
            embedding: EmbeddingSpec(norm: norm), layers: LayerPattern(block, count: layers), finalNorm: norm,
            head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(
                embedding: 0, residual: Float(try reader.number("hidden_dropout", default: 0)),
                attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    private static func bloomFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention else { return nil }
        let sliced = attention.biases == .input
        return [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "n_layer": JSON(spec.layers.count),
            "n_head": JSON(attention.heads), "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon), "seq_length": JSON(spec.context),
            "apply_residual_connection_post_layernorm": .bool(spec.layers[0].residual == .normalized), "slow_but_exact": .bool(sliced),
            "pretraining_tp": sliced ? 2 : 1, "hidden_dropout": JSON(spec.dropout.residual), "attention_dropout": JSON(spec.dropout.attention),
            "initializer_range": JSON(spec.initialization.deviation), "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func bloomWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "transformer.h.{}", block = "blocks.{}"
        var rows = CommonRows.ends("transformer.word_embeddings", "transformer.ln_f") + CommonRows.norms(layer, CommonRows.preNorms)
        rows += CommonRows.pair("transformer.word_embeddings_layernorm", "embedding.norm")
        rows += CommonRows.grouped(attention, "\(layer).self_attention.query_key_value")
        for (theirs, ours) in [
            ("self_attention.dense", "attention.out"), ("mlp.dense_h_to_4h", "feedForward.up"), ("mlp.dense_4h_to_h", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        let unused = attention.biases == .input ? ["h.{}.self_attention.dense.bias", "h.{}.mlp.dense_4h_to_h.bias"] : []
        return WeightMap(rows, prefix: "transformer.", ignored: CommonRows.ignored(spec) + unused)
    }
}
