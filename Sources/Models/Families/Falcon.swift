import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Falcon (Almazrouei et al. 2023): 7B with one key head and parallel parts, 40B and 180B with grouped heads and two norms, RW with
    /// ALiBi and parts one after the other.
    static let falcon = Family(
        name: "falcon", architecture: "FalconForCausalLM", spec: { reader throws(FileError) in try falconSpec(&reader) },
        fields: falconFields, weights: falconWeights, scoring: .both(wordLayer: "classifier"))

    /// How often the reference's eager attention adds ALiBi to the scores (its fused attention and the original code add it once).
    private static let alibiCount: Float = 2

    private static func falconSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("n_embed", "hidden_size")
        reader.ignore("hidden_size")
        let heads = try reader.int("num_attention_heads", "n_head")
        let layers = try reader.layers("num_hidden_layers", "n_layer")
        let context = try reader.int("max_position_embeddings", default: 2048)
        guard heads > 0, width % heads == 0 else {
            throw reader.wrong("num_attention_heads", "a divisor of hidden_size \(width)", "\(heads)")
        }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weightAndBias)
        let biases: Biases = try reader.flag("bias", default: false) ? .both : .none
        let isNew = try reader.flag("new_decoder_architecture", default: false)
        let attention = AttentionSpec(
            heads: heads, kvHeads: try falconKeyHeads(&reader, heads, isNew), headWidth: width / heads,
            positions: try falconPositions(&reader, width / heads, context), biases: biases)
        let hidden = try reader.optionalInt("ffn_hidden_size") ?? width.multipliedReportingOverflow(by: 4).partialValue
        let feedForward = FeedForward.plain(hidden: hidden, try ActivationNames.read(&reader, "activation", default: "gelu"), biases)
        let block = BlockSpec(
            mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: try falconResidual(&reader, isNew))
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: context, layers: LayerPattern(block, count: layers),
            finalNorm: norm, head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(
                embedding: 0, residual: Float(try reader.number("hidden_dropout", default: 0)),
                attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    private static func falconKeyHeads(_ reader: inout ConfigReader, _ heads: Int, _ isNew: Bool) throws(FileError) -> Int {
        let stated = try reader.optionalInt("num_kv_heads") ?? heads
        let multiQuery = try reader.flag("multi_query", default: true)
        if isNew { return stated }
        if multiQuery { return 1 }
        guard stated == heads else { throw reader.wrong("num_kv_heads", "num_attention_heads \(heads), as multi_query is false", "\(stated)") }
        return heads
    }

    private static func falconPositions(_ reader: inout ConfigReader, _ headWidth: Int, _ context: Int) throws(FileError) -> AttentionPositions {
        let rotary = try RopeConfig.read(&reader, headWidth: headWidth, context: context)
        guard try reader.flag("alibi", default: false) else { return .rotary(rotary) }
        reader.warn("alibi is added to the scores twice, as in the eager attention of the reference (its fused attention adds it once)")
        return .alibi(maxBias: 8, factor: alibiCount / Float(max(headWidth, 1)).squareRoot(), .brain)
    }

    private static func falconResidual(_ reader: inout ConfigReader, _ isNew: Bool) throws(FileError) -> Residual {
        let parallel = try reader.flag("parallel_attn", default: true)
        let norms = try reader.optionalInt("num_ln_in_parallel_attn") ?? (isNew ? 2 : 1)
        switch (isNew, parallel, norms) {
        case (true, true, 2): return .parallelTwoNorms
        case (true, true, 1), (false, true, 1): return .parallel
        case (false, false, _): return .pre
        case (true, false, _): throw reader.wrong("parallel_attn", "true, as new_decoder_architecture is", "false")
        default: throw reader.wrong("num_ln_in_parallel_attn", isNew ? "1 or 2" : "1", "\(norms)")
        }
    }

    private static func falconFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation else { return nil }
        let residual = spec.layers[0].residual
        let isOld = residual == .pre || (residual == .parallel && attention.kvHeads == 1)
        var fields: JSONObject = [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "num_hidden_layers": JSON(spec.layers.count),
            "num_attention_heads": JSON(attention.heads), "num_kv_heads": JSON(attention.kvHeads),
            "ffn_hidden_size": JSON(spec.layers[0].feedForward.hidden), "activation": .string(activation.function),
            "max_position_embeddings": JSON(spec.context), "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon),
            "bias": .bool(attention.biases == .both), "alibi": .bool(attention.rotary == nil), "new_decoder_architecture": .bool(!isOld),
            "multi_query": .bool(isOld && attention.kvHeads == 1), "parallel_attn": .bool(residual != .pre),
            "num_ln_in_parallel_attn": residual == .pre ? .null : JSON(residual.norms.count), "hidden_dropout": JSON(spec.dropout.residual),
            "attention_dropout": JSON(spec.dropout.attention), "initializer_range": JSON(spec.initialization.deviation),
            "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
        if let rotary = attention.rotary { RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields) }
        return fields
    }

    private static func falconWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "transformer.h.{}", block = "blocks.{}"
        let two = spec.layers[0].residual == .parallelTwoNorms
        var rows = CommonRows.ends("transformer.word_embeddings", "transformer.ln_f")
        rows += CommonRows.norms(layer, two ? [("ln_attn", .norm1), ("ln_mlp", .norm2)] : CommonRows.preNorms)
        rows += CommonRows.grouped(attention, "\(layer).self_attention.query_key_value")
        for (theirs, ours) in [
            ("self_attention.dense", "attention.out"), ("mlp.dense_h_to_4h", "feedForward.up"), ("mlp.dense_4h_to_h", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        return WeightMap(
            rows, prefix: "transformer.", ignored: CommonRows.ignored(spec) + ["h.{}.self_attention.rotary_emb.inv_freq"])
    }
}
