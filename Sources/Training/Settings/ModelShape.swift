public import QuintetFiles

/// The sizes of a decoder, as plain numbers; a family turns them into its own `config.json`.
public struct ModelShape: Sendable, Equatable {
    /// The families a fresh model can be made of; raw values are `model_type`.
    public enum Family: String, Sendable, CaseIterable { case gpt2, llama }

    public var family: Family
    public var layers: Int
    public var width: Int
    public var heads: Int
    public var kvHeads: Int
    public var feedForward: Int
    public var context: Int
    public var vocabulary: Int
    public var ropeBase: Double

    public init(
        _ family: Family, layers: Int, width: Int, heads: Int, kvHeads: Int? = nil, feedForward: Int? = nil, context: Int,
        vocabulary: Int, ropeBase: Double = 10_000
    ) {
        self.family = family
        self.layers = layers
        self.width = width
        self.heads = heads
        self.kvHeads = kvHeads ?? heads
        self.feedForward = feedForward ?? 4 * width
        self.context = context
        self.vocabulary = vocabulary
        self.ropeBase = ropeBase
    }

    /// The numbers a model of this shape trains; the head shares the embedding.
    public var parameterCount: Int {
        switch family {
        case .gpt2:
            // Attention 4 d^2 + 4 d, feed-forward 2 d f + f + d, two layer norms 4 d.
            layers * (4 * width * width + 2 * width * feedForward + feedForward + 9 * width)
                + (vocabulary + context) * width + 2 * width
        case .llama:
            layers * (2 * width * width + 2 * width * (kvHeads * (width / max(1, heads))) + 3 * width * feedForward + 2 * width)
                + vocabulary * width + width
        }
    }

    /// What keeps this from being a model, under the names of the settings; empty where nothing does.
    public var problems: [String] {
        var out: [String] = []
        for (name, value, limit) in [
            ("num_hidden_layers", layers, 4096), ("hidden_size", width, 1 << 20), ("num_attention_heads", heads, 4096), ("num_key_value_heads", kvHeads, 4096),
            ("intermediate_size", feedForward, 1 << 22), ("max_position_embeddings", context, 1 << 30), ("vocab_size", vocabulary, 1 << 30),
        ] where value < 1 || value > limit {
            out.append("\(name): expected 1 to \(limit), found \(value)")
        }
        guard out.isEmpty else { return out }
        if width % heads != 0 { out.append("num_attention_heads: \(heads) does not divide hidden_size, \(width)") }
        if heads % kvHeads != 0 { out.append("num_key_value_heads: \(kvHeads) does not divide num_attention_heads, \(heads)") }
        if family == .llama, width % heads == 0, (width / heads) % 2 != 0 {
            out.append("num_attention_heads: hidden_size / \(heads) is \(width / heads), rotary positions need an even width of heads")
        }
        if family == .gpt2, kvHeads != heads { out.append("num_key_value_heads: gpt2 has as many as num_attention_heads (\(heads)), found \(kvHeads)") }
        if !(ropeBase.isFinite && ropeBase > 1) { out.append("rope_theta: expected a finite number above 1, found \(ropeBase)") }
        return out
    }

    /// The Hugging Face `config.json` of a model of this shape, its keys in that ecosystem's spelling.
    public func configuration(beginOfText: Int? = nil, endOfText: Int? = nil, dropout: Double = 0) -> JSON {
        var config = family == .gpt2 ? gpt2(dropout) : llama(dropout)
        config["vocab_size"] = integer(vocabulary)
        config["bos_token_id"] = beginOfText.map(integer) ?? .null
        config["eos_token_id"] = endOfText.map(integer) ?? .null
        config["initializer_range"] = .number(0.02)
        config["tie_word_embeddings"] = .bool(true)
        config["torch_dtype"] = .string("float32")
        return .object(config)
    }

    private func gpt2(_ dropout: Double) -> JSONObject {
        var config = JSONObject()
        config["architectures"] = .array([.string("GPT2LMHeadModel")])
        config["model_type"] = .string("gpt2")
        config["n_layer"] = integer(layers)
        config["n_embd"] = integer(width)
        config["n_head"] = integer(heads)
        config["n_inner"] = feedForward == 4 * width ? .null : integer(feedForward)
        config["n_positions"] = integer(context)
        config["n_ctx"] = integer(context)
        config["activation_function"] = .string("gelu_new")
        config["layer_norm_epsilon"] = .number(1e-5)
        for key in ["embd_pdrop", "resid_pdrop", "attn_pdrop"] { config[key] = .number(dropout) }
        return config
    }

    private func llama(_ dropout: Double) -> JSONObject {
        var config = JSONObject()
        config["architectures"] = .array([.string("LlamaForCausalLM")])
        config["model_type"] = .string("llama")
        config["num_hidden_layers"] = integer(layers)
        config["hidden_size"] = integer(width)
        config["num_attention_heads"] = integer(heads)
        config["num_key_value_heads"] = integer(kvHeads)
        config["head_dim"] = integer(width / max(1, heads))
        config["intermediate_size"] = integer(feedForward)
        config["max_position_embeddings"] = integer(context)
        config["hidden_act"] = .string("silu")
        config["rms_norm_eps"] = .number(1e-5)
        config["rope_theta"] = .number(ropeBase)
        config["attention_bias"] = .bool(false)
        config["mlp_bias"] = .bool(false)
        config["attention_dropout"] = .number(dropout)
        return config
    }

    private func integer(_ value: Int) -> JSON { .integer(Int64(value)) }
}
