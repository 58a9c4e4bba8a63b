import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// MPT (MosaicML 2023): ALiBi, layer norms without bias, no biases at all, q, k and v in one tensor.
    static let mpt = Family(
        name: "mpt", architecture: "MptForCausalLM", spec: { reader throws(FileError) in try mptSpec(&reader) }, fields: mptFields,
        weights: mptWeights, scoring: .both(wordLayer: "classifier"))

    private static func mptSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("d_model", "hidden_size")
        let heads = try reader.int("n_heads", "num_attention_heads")
        let layers = try reader.layers("n_layers", "num_hidden_layers")
        guard heads > 0, width % heads == 0 else { throw reader.wrong("n_heads", "a divisor of d_model \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weight)
        let (attention, dropout) = try mptAttention(&reader, heads, width / heads)
        let feedForward = FeedForward.plain(hidden: width.multipliedReportingOverflow(by: 4).partialValue, .gelu, .none)
        reader.withoutEffect("expansion_ratio", 4)
        reader.withoutEffect("no_bias", true)
        reader.withoutEffect("logit_scale")
        reader.withoutEffect("learned_pos_emb", true)
        reader.withoutEffect("embedding_fraction", 1.0)
        reader.withoutEffect("resid_pdrop", 0.0)
        reader.withoutEffect("emb_pdrop", 0.0)
        reader.withoutEffect("norm_type", "low_precision_layernorm", "layernorm")
        reader.ignore("init_device", "init_config", "verbose", "tokenizer_name", "attn_impl")
        let block = BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: try reader.int("max_seq_len", default: 2048),
            layers: LayerPattern(block, count: layers), finalNorm: norm,
            head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(embedding: 0, residual: Float(dropout), attention: Float(dropout)),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    /// `attn_config`; the reference's slopes are those of a largest bias of 8, whatever the field says.
    private static func mptAttention(
        _ reader: inout ConfigReader, _ heads: Int, _ headWidth: Int
    ) throws(FileError) -> (attention: AttentionSpec, dropout: Double) {
        var inner = try ConfigReader(reader.value("attn_config") ?? .object([:]), path: reader.path, field: "attn_config")
        let scale = try inner.nullableNumber("softmax_scale", default: nil)
        // Zero is no clip, as in the reference.
        let clip = try inner.nullableNumber("clip_qkv", default: nil).flatMap { $0 == 0 ? nil : Float($0) }
        let dropout = try inner.number("attn_pdrop", default: 0)
        inner.withoutEffect("attn_type", "multihead_attention")
        inner.withoutEffect("prefix_lm", false)
        inner.withoutEffect("qk_ln", false)
        inner.withoutEffect("attn_uses_sequence_id", false)
        inner.withoutEffect("alibi", true)
        inner.withoutEffect("alibi_bias_max", 8)
        inner.ignore("attn_impl", "is_encoder_decoder")
        reader.absorb(inner)
        let attention = AttentionSpec(
            heads: heads, kvHeads: heads, headWidth: headWidth, positions: .alibi(maxBias: 8),
            scale: scale.map { .fixed(Float($0)) } ?? .inverseSquareRoot, clip: clip)
        return (attention, dropout)
    }

    private static func mptFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention else { return nil }
        var inner: JSONObject = [
            "attn_type": "multihead_attention", "attn_pdrop": JSON(spec.dropout.attention), "attn_impl": "torch",
            "clip_qkv": attention.clip.map { JSON($0) } ?? .null, "softmax_scale": .null, "prefix_lm": false, "qk_ln": false,
            "attn_uses_sequence_id": false, "alibi": true, "alibi_bias_max": 8,
        ]
        // The reference takes whole numbers alone.
        if spec.dropout.attention == 0 { inner["attn_pdrop"] = 0 }
        if case .fixed(let scale) = attention.scale { inner["softmax_scale"] = JSON(scale) }
        return [
            "vocab_size": JSON(spec.vocabulary), "d_model": JSON(spec.width), "n_layers": JSON(spec.layers.count),
            "n_heads": JSON(attention.heads), "max_seq_len": JSON(spec.context), "expansion_ratio": 4,
            "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon), "no_bias": true, "attn_config": .object(inner),
            "initializer_range": JSON(spec.initialization.deviation), "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func mptWeights(_ spec: TransformerSpec) -> WeightMap {
        let layer = "transformer.blocks.{}", block = "blocks.{}"
        var rows = CommonRows.ends("transformer.wte", "transformer.norm_f")
        rows += CommonRows.norms(layer, [("norm_1", .norm1), ("norm_2", .norm2)])
        for (theirs, ours) in [
            ("attn.Wqkv", "attention.qkv"), ("attn.out_proj", "attention.out"), ("ffn.up_proj", "feedForward.up"),
            ("ffn.down_proj", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        return WeightMap(rows, prefix: "transformer.", ignored: CommonRows.ignored(spec))
    }
}
