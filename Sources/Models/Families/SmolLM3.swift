import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// SmolLM3 (Hugging Face 2025): Llama where every fourth layer has no positions.
    static let smollm3 = Family(
        name: "smollm3", architecture: "SmolLM3ForCausalLM", spec: { reader throws(FileError) in try smollm3Spec(&reader) },
        fields: smollm3Fields, weights: { CommonRows.llamaLike($0) })

    private static func smollm3Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 32_768, kvHeads: 4))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        let rotary = try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, RopeRules(theta: 2_000_000))
        var attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            biases: try reader.flag("attention_bias", default: false) ? .both : .none)
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"),
            try reader.flag("mlp_bias", default: false) ? .both : .none)
        let turns = try smollm3Turns(&reader, sizes.layers)
        let slides = try reader.flag("use_sliding_window", default: false)
        let window = try reader.optionalInt("sliding_window")
        let spans = try LayerTypes.read(&reader, layers: sizes.layers, window: window) { slides && window != nil && !turns[$0] }
        let blocks = zip(spans, turns).map { span, turns in
            attention.span = span
            attention.positions = turns ? .rotary(rotary) : .none
            return BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        }
        return try sizes.spec(&reader, LayerPattern(blocks), norm: norm, tied: true)
    }

    /// Whether each layer has rotary positions: `no_rope_layers` holds 1 where it does, `no_rope_layer_interval` says it where that is missing.
    private static func smollm3Turns(_ reader: inout ConfigReader, _ layers: Int) throws(FileError) -> [Bool] {
        let interval = try reader.int("no_rope_layer_interval", default: 4)
        guard let listed = try reader.numbers("no_rope_layers") else {
            guard interval > 0 else { throw reader.wrong("no_rope_layer_interval", "a number above 0", "\(interval)") }
            return (0..<layers).map { ($0 + 1) % interval != 0 }
        }
        guard listed.count >= layers else { throw reader.wrong("no_rope_layers", "\(layers) numbers, one a layer", "\(listed.count)") }
        return listed.prefix(layers).map { $0 != 0 }
    }

    private static func smollm3Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        fields["mlp_bias"] = .bool(activation.biases == .both)
        let rotaries = spec.layers.map { block -> Rotary? in if case .attention(let attention) = block.mixer { attention.rotary } else { nil } }
        fields["no_rope_layers"] = .array(rotaries.map { JSON($0 == nil ? 0 : 1) })
        fields["layer_types"] = LayerTypes.names(spec)
        let window = LayerTypes.window(spec)
        fields["use_sliding_window"] = .bool(window != nil)
        fields["sliding_window"] = window.map { JSON($0) } ?? .null
        if let rotary = rotaries.lazy.compactMap({ $0 }).first { RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields) }
        return fields
    }
}
