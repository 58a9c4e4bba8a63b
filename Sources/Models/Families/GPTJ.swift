import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// GPT-J (Wang and Komatsuzaki 2021): attention and feed-forward side by side, the first elements of each head turn in neighboring pairs.
    static let gptj = Family(
        name: "gptj", architecture: "GPTJForCausalLM", spec: { reader throws(FileError) in try gptjSpec(&reader) }, fields: gptjFields,
        weights: gptjWeights, scoring: .texts())

    private static func gptjSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("n_embd", "hidden_size")
        let heads = try reader.int("n_head", "num_attention_heads")
        let layers = try reader.layers("n_layer", "num_hidden_layers")
        guard heads > 0, width % heads == 0 else { throw reader.wrong("n_head", "a divisor of n_embd \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weightAndBias)
        let rotary = Rotary(width: try reader.int("rotary_dim", default: 64), pairing: .interleaved)
        let attention = AttentionSpec(heads: heads, kvHeads: heads, headWidth: width / heads, positions: .rotary(rotary))
        let hidden = try reader.optionalInt("n_inner") ?? width.multipliedReportingOverflow(by: 4).partialValue
        let feedForward = FeedForward.plain(
            hidden: hidden, try ActivationNames.read(&reader, "activation_function", default: "gelu_new"), .both)
        reader.ignore(
            "n_ctx", "rotary", "scale_attn_weights", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels",
            "summary_first_dropout")
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width,
            context: try reader.int("n_positions", "max_position_embeddings", default: 2048),
            layers: LayerPattern(
                BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: .parallel), count: layers),
            finalNorm: norm, head: HeadSpec(HeadProjection(tied: try reader.flag("tie_word_embeddings", default: false), bias: true)),
            dropout: Dropout(
                embedding: Float(try reader.number("embd_pdrop", default: 0)), residual: Float(try reader.number("resid_pdrop", default: 0)),
                attention: Float(try reader.number("attn_pdrop", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    private static func gptjFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        return [
            "vocab_size": JSON(spec.vocabulary), "n_positions": JSON(spec.context), "n_embd": JSON(spec.width),
            "n_layer": JSON(spec.layers.count), "n_head": JSON(attention.heads), "n_inner": JSON(spec.layers[0].feedForward.hidden),
            "rotary_dim": JSON(rotary.width), "activation_function": .string(activation.function),
            "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon), "embd_pdrop": JSON(spec.dropout.embedding),
            "resid_pdrop": JSON(spec.dropout.residual), "attn_pdrop": JSON(spec.dropout.attention),
            "initializer_range": JSON(spec.initialization.deviation), "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func gptjWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "transformer.h.{}", block = "blocks.{}"
        var rows = CommonRows.ends("transformer.wte", "transformer.ln_f") + CommonRows.norms(layer, [("ln_1", .norm1)])
        rows += CommonRows.projections(attention, "\(layer).attn")
        for (theirs, ours) in [
            ("attn.out_proj", "attention.out"), ("mlp.fc_in", "feedForward.up"), ("mlp.fc_out", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        return WeightMap(
            rows, prefix: "transformer.", ignored: CommonRows.ignored(spec) + ["h.{}.attn.bias", "h.{}.attn.masked_bias"])
    }
}
