import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Qwen2 (Yang et al. 2024): Llama with biases on q, k, v and a window in the upper layers where asked.
    static let qwen2 = Family(
        name: "qwen2", architecture: "Qwen2ForCausalLM",
        spec: { reader throws(FileError) in
            let sizes = try DecoderFields(&reader, .init(context: 32_768, kvHeads: 32))
            return try qwenSpec(&reader, sizes, biases: .input) { _ in .none }
        },
        fields: qwenFields, weights: { CommonRows.llamaLike($0) })

    /// Qwen3 (Yang et al. 2025): Qwen2 with the heads of q and k normalized, biases on all of attention or none.
    static let qwen3 = Family(
        name: "qwen3", architecture: "Qwen3ForCausalLM",
        spec: { reader throws(FileError) in
            let sizes = try DecoderFields(&reader, .init(context: 32_768, kvHeads: 32, headWidth: 128))
            let biases: Biases = try reader.flag("attention_bias", default: false) ? .both : .none
            return try qwenSpec(&reader, sizes, biases: biases) { .heads($0) }
        },
        fields: { spec in
            guard var fields = qwenFields(spec) else { return nil }
            fields["attention_bias"] = .bool(spec.firstAttention?.biases == .both)
            return fields
        }, weights: { CommonRows.llamaLike($0) })

    private static func qwenSpec(
        _ reader: inout ConfigReader, _ sizes: DecoderFields, biases: Biases, _ queryKeyNorm: (Norm) -> QueryKeyNorm
    ) throws(FileError) -> TransformerSpec {
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 0)
        var attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)), biases: biases,
            queryKeyNorm: queryKeyNorm(norm))
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_act", default: "silu"), .none)
        let blocks = try qwenSpans(&reader, sizes.layers).map { span in
            attention.span = span
            return BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm)
        }
        return try sizes.spec(&reader, LayerPattern(blocks), norm: norm, tied: false)
    }

    /// Layers from `max_window_layers` on slide where `use_sliding_window` says so; `layer_types` says it layer by layer.
    private static func qwenSpans(_ reader: inout ConfigReader, _ layers: Int) throws(FileError) -> [Span] {
        let slides = try reader.flag("use_sliding_window", default: false)
        let stated = try reader.nullableInt("sliding_window", default: 4096)
        let window = slides ? stated : nil
        let first = try reader.int("max_window_layers", default: 28)
        return try LayerTypes.read(&reader, layers: layers, window: window) { window != nil && $0 >= first }
    }

    private static func qwenFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let activation = spec.firstActivation else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["hidden_act"] = .string(activation.function)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        let window = LayerTypes.window(spec)
        fields["use_sliding_window"] = .bool(window != nil)
        fields["sliding_window"] = window.map { JSON($0) } ?? .null
        fields["max_window_layers"] = JSON(spec.layers.count)
        fields["layer_types"] = LayerTypes.names(spec)
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }
}
