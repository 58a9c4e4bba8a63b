import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Llama 1, 2, 3 (Touvron et al. 2023): rotary positions, RMS norms before each part, gated feed-forward, grouped heads.
    static let llama = Family(
        name: "llama", architecture: "LlamaForCausalLM", spec: { reader throws(FileError) in try llamaSpec(&reader) },
        fields: llamaFields, weights: llamaWeights)

    private static func llamaSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("hidden_size")
        let heads = try reader.int("num_attention_heads")
        let context = try reader.int("max_position_embeddings", default: 2048)
        guard heads > 0, width % heads == 0 else {
            throw reader.wrong("num_attention_heads", "a divisor of hidden_size \(width)", "\(heads)")
        }
        let headWidth = try reader.optionalInt("head_dim") ?? width / heads
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        try reader.only("partial_rotary_factor", 1.0, default: 1.0)
        let attention = AttentionSpec(
            heads: heads, kvHeads: try reader.int("num_key_value_heads", default: heads), headWidth: headWidth,
            positions: .rotary(try RopeConfig.read(&reader, width: headWidth, context: context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none)
        let feedForward = FeedForward.gated(
            hidden: try reader.int("intermediate_size"), try ActivationNames.read(&reader, "hidden_act", default: "silu"),
            try reader.flag("mlp_bias", default: false) ? .both : .none)
        reader.ignore("pretraining_tp")
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: context,
            layers: LayerPattern(
                BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm), count: try reader.int("num_hidden_layers")),
            finalNorm: norm, head: HeadSpec(try reader.flag("tie_word_embeddings", default: false) ? .tied : .own),
            dropout: Dropout(embedding: 0, residual: 0, attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    private static func llamaFields(_ spec: TransformerSpec) -> JSONObject? {
        guard spec.layers.cycle.count == 1, case .attention(let attention) = spec.layers[0].mixer,
            case .gated(let hidden, let activation, let biases) = spec.layers[0].feedForward, case .rotary(let rotary) = attention.positions
        else { return nil }
        var fields: JSONObject = [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "intermediate_size": JSON(hidden),
            "num_hidden_layers": JSON(spec.layers.count), "num_attention_heads": JSON(attention.heads),
            "num_key_value_heads": JSON(attention.kvHeads), "head_dim": JSON(attention.headWidth),
            "hidden_act": .string(ActivationNames.name(activation)), "max_position_embeddings": JSON(spec.context),
            "rms_norm_eps": JSON(spec.layers[0].norm.epsilon), "initializer_range": JSON(spec.initialization.deviation),
            "attention_bias": .bool(attention.biases == .both), "attention_dropout": JSON(spec.dropout.attention),
            "mlp_bias": .bool(biases == .both), "tie_word_embeddings": .bool(spec.head.projection == .tied),
        ]
        RopeConfig.write(rotary, into: &fields)
        return fields
    }

    private static func llamaWeights(_ spec: TransformerSpec) -> WeightMap {
        var rows: [WeightRow] = [
            "model.embed_tokens.weight" <-> "embedding.tokens.weight", "model.norm.weight" <-> "norm.weight",
            "lm_head.weight" <-> "head.weight", "model.layers.{}.input_layernorm.weight" <-> "blocks.{}.norm1.weight",
            "model.layers.{}.post_attention_layernorm.weight" <-> "blocks.{}.norm2.weight",
        ]
        guard case .attention(let attention) = spec.layers[0].mixer else { return WeightMap(rows) }
        let heads = [attention.queryWidth, attention.keyWidth, attention.keyWidth]
        let hidden = spec.layers[0].feedForward.hidden
        for kind in ["weight", "bias"] {
            func theirs(_ names: [String]) -> [String] { names.map { "model.layers.{}.\($0).\(kind)" } }
            rows.append(
                .stacked(theirs(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]), rows: heads)
                    <-> "blocks.{}.attention.qkv.\(kind)")
            rows.append(.same("model.layers.{}.self_attn.o_proj.\(kind)") <-> "blocks.{}.attention.out.\(kind)")
            rows.append(
                .stacked(theirs(["mlp.gate_proj", "mlp.up_proj"]), rows: [hidden, hidden]) <-> "blocks.{}.feedForward.gateUp.\(kind)")
            rows.append(.same("model.layers.{}.mlp.down_proj.\(kind)") <-> "blocks.{}.feedForward.down.\(kind)")
        }
        let tied = spec.head.projection == .tied ? ["lm_head.weight"] : []
        return WeightMap(rows, prefix: "model.", ignored: ["layers.{}.self_attn.rotary_emb.inv_freq"] + tied)
    }
}
