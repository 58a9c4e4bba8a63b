import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// GPT-2 (Radford et al. 2019): learned positions, layer norms before each part, fused q, k, v stored [in, out].
    static let gpt2 = Family(
        name: "gpt2", architecture: "GPT2LMHeadModel", spec: { reader throws(FileError) in try gpt2Spec(&reader) },
        fields: gpt2Fields, weights: gpt2Weights, scoring: .both(wordLayer: "classifier"))

    private static func gpt2Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("n_embd", "hidden_size")
        let heads = try reader.int("n_head", "num_attention_heads")
        let layers = try reader.int("n_layer", "num_hidden_layers")
        guard heads > 0, width % heads == 0 else { throw reader.wrong("n_head", "a divisor of n_embd \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weightAndBias)
        let attention = AttentionSpec(
            heads: heads, kvHeads: heads, headWidth: width / heads, scale: try gpt2Scale(&reader), biases: .both)
        let hidden = try reader.optionalInt("n_inner") ?? width.multipliedReportingOverflow(by: 4).partialValue
        let feedForward = FeedForward.plain(
            hidden: hidden, try ActivationNames.read(&reader, "activation_function", default: "gelu_new"), .both)
        let dropout = Dropout(
            embedding: Float(try reader.number("embd_pdrop", default: 0.1)), residual: Float(try reader.number("resid_pdrop", default: 0.1)),
            attention: Float(try reader.number("attn_pdrop", default: 0.1)))
        reader.ignore(
            "n_ctx", "reorder_and_upcast_attn", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels",
            "summary_first_dropout", "predict_special_tokens")
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: try reader.int("n_positions", "max_position_embeddings"),
            embedding: EmbeddingSpec(positions: .learned()),
            layers: LayerPattern(BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm), count: layers),
            finalNorm: norm, head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own), dropout: dropout,
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02))))
    }

    private static func gpt2Scale(_ reader: inout ConfigReader) throws(FileError) -> AttentionScale {
        let scaled = try reader.flag("scale_attn_weights", default: true)
        let byDepth = try reader.flag("scale_attn_by_inverse_layer_idx", default: false)
        switch (scaled, byDepth) {
        case (true, false): return .inverseSquareRoot
        case (true, true): return .inverseSquareRootByDepth
        case (false, true): return .inverseDepth
        case (false, false): return .fixed(1)
        }
    }

    private static func gpt2Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard spec.layers.cycle.count == 1, case .attention(let attention) = spec.layers[0].mixer,
            case .plain(let hidden, let activation, _) = spec.layers[0].feedForward
        else { return nil }
        return [
            "vocab_size": JSON(spec.vocabulary), "n_positions": JSON(spec.context), "n_embd": JSON(spec.width),
            "n_layer": JSON(spec.layers.count), "n_head": JSON(attention.heads), "n_inner": hidden == 4 * spec.width ? .null : JSON(hidden),
            "activation_function": .string(ActivationNames.name(activation)), "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon),
            "embd_pdrop": JSON(spec.dropout.embedding), "resid_pdrop": JSON(spec.dropout.residual),
            "attn_pdrop": JSON(spec.dropout.attention), "initializer_range": JSON(spec.initialization.deviation),
            "scale_attn_weights": .bool(attention.scale == .inverseSquareRoot || attention.scale == .inverseSquareRootByDepth),
            "scale_attn_by_inverse_layer_idx": .bool(attention.scale == .inverseDepth || attention.scale == .inverseSquareRootByDepth),
            "tie_word_embeddings": .bool(spec.head.projection == .tied),
        ]
    }

    private static func gpt2Weights(_ spec: TransformerSpec) -> WeightMap {
        var rows: [WeightRow] = [
            "transformer.wte.weight" <-> "embedding.tokens.weight", "transformer.wpe.weight" <-> "embedding.positions.weight",
            "transformer.ln_f.weight" <-> "norm.weight", "transformer.ln_f.bias" <-> "norm.bias", "lm_head.weight" <-> "head.weight",
        ]
        for (theirs, ours) in [("ln_1", "norm1"), ("ln_2", "norm2")] {
            rows.append(.same("transformer.h.{}.\(theirs).weight") <-> "blocks.{}.\(ours).weight")
            rows.append(.same("transformer.h.{}.\(theirs).bias") <-> "blocks.{}.\(ours).bias")
        }
        for (theirs, ours) in [
            ("attn.c_attn", "attention.qkv"), ("attn.c_proj", "attention.out"), ("mlp.c_fc", "feedForward.up"), ("mlp.c_proj", "feedForward.down"),
        ] {
            rows.append(.transposed("transformer.h.{}.\(theirs).weight") <-> "blocks.{}.\(ours).weight")
            rows.append(.same("transformer.h.{}.\(theirs).bias") <-> "blocks.{}.\(ours).bias")
        }
        let tied = spec.head.projection == .tied ? ["lm_head.weight"] : []
        return WeightMap(rows, prefix: "transformer.", ignored: ["h.{}.attn.bias", "h.{}.attn.masked_bias"] + tied)
    }
}
