import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// GPT-Neo (Black et al. 2021): GPT-2 with unscaled scores and windows in some layers.
    static let gptNeo = Family(
        name: "gpt_neo", architecture: "GPTNeoForCausalLM", spec: { reader throws(FileError) in try gptNeoSpec(&reader) },
        fields: gptNeoFields, weights: gptNeoWeights, scoring: .both(wordLayer: "classifier"))

    private static func gptNeoSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("hidden_size")
        let heads = try reader.int("num_heads", "num_attention_heads")
        let layers = try reader.layers("num_layers", "num_hidden_layers")
        guard heads > 0, width % heads == 0 else { throw reader.wrong("num_heads", "a divisor of hidden_size \(width)", "\(heads)") }
        let norm = Norm.layer(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), .weightAndBias)
        var attention = AttentionSpec(heads: heads, kvHeads: heads, headWidth: width / heads, scale: .fixed(1), biases: .output)
        let hidden = try reader.optionalInt("intermediate_size") ?? width.multipliedReportingOverflow(by: 4).partialValue
        let feedForward = FeedForward.plain(
            hidden: hidden, try ActivationNames.read(&reader, "activation_function", default: "gelu_new"), .both)
        let window = try reader.int("window_size", default: 256)
        let blocks = try gptNeoKinds(&reader, layers).map { local in
            attention.span = local ? .window(window) : .causal
            return BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        }
        reader.ignore(
            "classifier_dropout", "summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout")
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size"), width: width, context: try reader.int("max_position_embeddings", default: 2048),
            embedding: EmbeddingSpec(positions: .learned()), layers: LayerPattern(blocks), finalNorm: norm,
            head: HeadSpec(try reader.flag("tie_word_embeddings", default: true) ? .tied : .own),
            dropout: Dropout(
                embedding: Float(try reader.number("embed_dropout", default: 0)), residual: Float(try reader.number("resid_dropout", default: 0)),
                attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.02)), outputs: .same))
    }

    /// `attention_types` [[["global", "local"], 12], ...]: whether each layer is local. `attention_layers` is made of it.
    private static func gptNeoKinds(_ reader: inout ConfigReader, _ layers: Int) throws(FileError) -> [Bool] {
        reader.ignore("attention_layers")
        let field = reader.value("attention_types") ?? [[["global", "local"], 12]]
        var kinds: [Bool] = []
        for item in field.array ?? [] {
            guard let pair = item.array, pair.count == 2, let names = pair[0].array, let count = pair[1].int, (0..<1 << 12).contains(count),
                names.allSatisfy({ $0.string == "global" || $0.string == "local" })
            else { throw reader.wrong("attention_types", "pairs of a list of global or local and a number", field.serialized()) }
            for _ in 0..<count where kinds.count <= layers { kinds += names.map { $0.string == "local" } }
        }
        guard kinds.count == layers else { throw reader.wrong("attention_types", "\(layers) layers, as num_layers says", "\(kinds.count)") }
        return kinds
    }

    private static func gptNeoFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation else { return nil }
        let kinds = spec.layers.map { block -> JSON in
            if case .attention(let attention) = block.mixer, attention.span.window > 0 { JSON.string("local") } else { JSON.string("global") }
        }
        return [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "num_layers": JSON(spec.layers.count),
            "num_heads": JSON(attention.heads), "intermediate_size": JSON(spec.layers[0].feedForward.hidden),
            "max_position_embeddings": JSON(spec.context), "activation_function": .string(activation.function),
            "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon), "window_size": JSON(LayerTypes.window(spec) ?? 256),
            "attention_types": .array([.array([.array(kinds), 1])]), "attention_layers": .array(kinds),
            "embed_dropout": JSON(spec.dropout.embedding), "resid_dropout": JSON(spec.dropout.residual),
            "attention_dropout": JSON(spec.dropout.attention), "initializer_range": JSON(spec.initialization.deviation),
            "tie_word_embeddings": .bool(spec.head.projection.isTied),
        ]
    }

    private static func gptNeoWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "transformer.h.{}", block = "blocks.{}"
        var rows = CommonRows.ends("transformer.wte", "transformer.ln_f") + CommonRows.norms(layer, [("ln_1", .norm1), ("ln_2", .norm2)])
        rows.append("transformer.wpe.weight" <-> "embedding.positions.weight")
        rows += CommonRows.projections(attention, "\(layer).attn.attention")
        for (theirs, ours) in [
            ("attn.attention.out_proj", "attention.out"), ("mlp.c_fc", "feedForward.up"), ("mlp.c_proj", "feedForward.down"),
        ] { rows += CommonRows.pair("\(layer).\(theirs)", "\(block).\(ours)") }
        return WeightMap(
            rows, prefix: "transformer.",
            ignored: CommonRows.ignored(spec) + ["h.{}.attn.attention.bias", "h.{}.attn.attention.masked_bias"])
    }
}
