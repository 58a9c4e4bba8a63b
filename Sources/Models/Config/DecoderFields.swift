import QuintetFiles
import QuintetLayers
import QuintetTensors

/// The sizes that the configurations of most decoders spell the same way.
struct DecoderFields {
    var vocabulary: Int, width: Int, hidden: Int, layers: Int, heads: Int, kvHeads: Int, headWidth: Int, context: Int

    /// What a family leaves open; nil key and value heads are as many as the others.
    struct Rules {
        var context = 2048
        var kvHeads: Int?
        /// A missing `head_dim`; nil is the width divided by the heads, rounded down.
        var headWidth: Int?
        /// Whether the heads have to divide the width.
        var divides = false
    }

    init(_ reader: inout ConfigReader, _ rules: Rules = Rules()) throws(FileError) {
        vocabulary = try reader.int("vocab_size")
        width = try reader.int("hidden_size")
        hidden = try reader.int("intermediate_size")
        layers = try reader.layers("num_hidden_layers")
        heads = try reader.int("num_attention_heads")
        kvHeads = try reader.nullableInt("num_key_value_heads", default: rules.kvHeads) ?? heads
        context = try reader.int("max_position_embeddings", default: rules.context)
        guard heads > 0, !rules.divides || width % heads == 0 else {
            throw reader.wrong("num_attention_heads", "a divisor of hidden_size \(width)", "\(heads)")
        }
        headWidth = try reader.nullableInt("head_dim", default: rules.headWidth) ?? width / heads
    }

    /// The whole model of these sizes: reads what is left, `tied` says whether the head is where no field does.
    func spec(
        _ reader: inout ConfigReader, _ layers: LayerPattern, norm: Norm, tied: Bool, embedding: EmbeddingSpec = EmbeddingSpec(),
        headBias: Bool = false, headScale: Float = 1, headSoftcap: Float? = nil, embeddingDropout: Double = 0, residualDropout: Double = 0,
        deviation: Double = 0.02
    ) throws(FileError) -> TransformerSpec {
        let projection = HeadProjection(tied: try reader.flag("tie_word_embeddings", default: tied), bias: headBias)
        return TransformerSpec(
            vocabulary: vocabulary, width: width, context: context, embedding: embedding, layers: layers, finalNorm: norm,
            head: HeadSpec(projection, scale: headScale, softcap: headSoftcap),
            dropout: Dropout(
                embedding: Float(embeddingDropout), residual: Float(residualDropout),
                attention: Float(try reader.number("attention_dropout", default: 0))),
            initialization: Initialization(
                deviation: Float(try reader.number("initializer_range", default: deviation)), outputs: .same))
    }

    /// The same fields of a spec, and those of training that all these families share.
    static func json(_ spec: TransformerSpec, _ attention: AttentionSpec) -> JSONObject {
        [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "intermediate_size": JSON(spec.layers[0].feedForward.hidden),
            "num_hidden_layers": JSON(spec.layers.count), "num_attention_heads": JSON(attention.heads),
            "num_key_value_heads": JSON(attention.kvHeads), "head_dim": JSON(attention.headWidth),
            "max_position_embeddings": JSON(spec.context), "tie_word_embeddings": .bool(spec.head.projection.isTied),
            "initializer_range": JSON(spec.initialization.deviation), "attention_dropout": JSON(spec.dropout.attention),
        ]
    }
}

extension DecoderFields {
    /// The same with activation, epsilon, biases and rotary positions, as Llama's nearest kin spell them; nil where the spec has no such parts.
    static func llamaLike(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }

    /// How many experts there are and how one position's are chosen, as OLMoE and Qwen spell it.
    static func write(_ experts: ExpertsSpec, into fields: inout JSONObject) {
        fields["num_experts"] = JSON(experts.routing.experts)
        fields["num_experts_per_tok"] = JSON(experts.routing.chosen)
        fields["norm_topk_prob"] = .bool(experts.routing.normalization != .none)
    }
}

extension TransformerSpec {
    /// The first layer's attention; nil where it has none.
    var firstAttention: AttentionSpec? {
        if case .attention(let attention)? = layers.first?.mixer { attention } else { nil }
    }

    /// A stack of equal blocks' hidden activation and biases.
    var firstActivation: (function: String, biases: Biases)? {
        switch layers.first?.feedForward {
        case .plain(_, let activation, let biases), .gated(_, let activation, let biases): (ActivationNames.name(activation), biases)
        case .experts(let experts): experts.activation.map { (ActivationNames.name($0), experts.biases) }
        case nil, .some(.none): nil
        }
    }
}

extension ExpertsSpec {
    /// The gate's function; nil where the gate is of another kind.
    var activation: Activation? { if case .function(let activation) = gate { activation } else { nil } }
}

extension AttentionSpec {
    /// The rotary positions, nil where there are others or none.
    var rotary: Rotary? { if case .rotary(let rotary) = positions { rotary } else { nil } }
}

/// `layer_types`: which layers see everything before them and which a window.
enum LayerTypes {
    static let full = "full_attention", sliding = "sliding_attention"

    /// The span of every layer; `rule` says which layers slide where the field is missing.
    static func read(
        _ reader: inout ConfigReader, layers: Int, window: Int?, rule: (Int) -> Bool
    ) throws(FileError) -> [Span] {
        let names = try reader.texts("layer_types") ?? (0..<layers).map { rule($0) ? sliding : full }
        guard names.count == layers else { throw reader.wrong("layer_types", "\(layers) names, one a layer", "\(names.count)") }
        var spans: [Span] = []
        for name in names {
            switch (name, window) {
            case (full, _): spans.append(.causal)
            case (sliding, let window?): spans.append(.window(window))
            case (sliding, nil): throw reader.wrong("sliding_window", "a window, as layer_types names \(sliding)", "none")
            default: throw reader.wrong("layer_types", "\(full) or \(sliding)", name)
            }
        }
        return spans
    }

    /// The names of a stack's layers.
    static func names(_ spec: TransformerSpec) -> JSON {
        .array(spec.layers.map { block -> JSON in
            if case .attention(let attention) = block.mixer, attention.span.window > 0 { .string(sliding) } else { .string(full) }
        })
    }

    /// The window of the layers that have one.
    static func window(_ spec: TransformerSpec) -> Int? {
        spec.layers.cycle.lazy.compactMap { block -> Int? in
            if case .attention(let attention) = block.mixer, attention.span.window > 0 { attention.span.window } else { nil }
        }.first
    }
}
