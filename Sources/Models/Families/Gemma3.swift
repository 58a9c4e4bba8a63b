import QuintetCheckpoints
import QuintetFiles
import QuintetLayers

extension Families {
    /// Gemma 3, text (Gemma Team 2025): Gemma 2 with normalized heads, five windows to one full layer, a base of its own for each kind.
    static let gemma3 = Family(
        name: "gemma3_text", architecture: "Gemma3ForCausalLM", spec: { reader throws(FileError) in try gemma3Spec(&reader) },
        fields: gemma3Fields, weights: { CommonRows.llamaLike($0, norms: gemmaNorms) }, scoring: .texts(prefix: "Gemma3Text"))

    private static func gemma3Spec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 131_072, kvHeads: 4, headWidth: 256, divides: true))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 1)
        let rotary = try gemma3Rotary(&reader, sizes)
        var attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, scale: try gemmaScale(&reader),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none, queryKeyNorm: .heads(norm))
        let feedForward = FeedForward.gated(
            hidden: sizes.hidden, try ActivationNames.read(&reader, "hidden_activation", default: "gelu_pytorch_tanh"), .none)
        reader.ignore("hidden_act", "cache_implementation")
        reader.withoutEffect("attn_logit_softcapping")
        let blocks = try gemma3Spans(&reader, sizes.layers).map { span in
            attention.span = span
            attention.positions = .rotary(span.window > 0 ? rotary.sliding : rotary.full)
            return BlockSpec(mixer: .attention(attention), feedForward: feedForward, norm: norm, residual: .sandwich)
        }
        return try sizes.spec(
            &reader, LayerPattern(blocks), norm: norm, tied: true, embedding: gemmaEmbedding(sizes.width),
            headSoftcap: try reader.nullableNumber("final_logit_softcapping", default: nil).map { Float($0) })
    }

    /// Every `sliding_window_pattern`-th layer sees everything; bidirectional models see half a window on both sides.
    private static func gemma3Spans(_ reader: inout ConfigReader, _ layers: Int) throws(FileError) -> [Span] {
        let pattern = try reader.int("sliding_window_pattern", default: 6)
        reader.ignore("_sliding_window_pattern")
        guard pattern > 0 else { throw reader.wrong("sliding_window_pattern", "a number above 0", "\(pattern)") }
        let window = try reader.nullableInt("sliding_window", default: 4096)
        let spans = try LayerTypes.read(&reader, layers: layers, window: window) { ($0 + 1) % pattern != 0 }
        guard try reader.flag("use_bidirectional_attention", default: false) else { return spans }
        return spans.map { $0.window > 0 ? .neighborhood($0.window / 2 + 1) : .bidirectional }
    }

    /// New: a table for each kind of layer. Old: `rope_theta` and `rope_scaling` for full layers, `rope_local_base_freq` for the others.
    private static func gemma3Rotary(
        _ reader: inout ConfigReader, _ sizes: DecoderFields
    ) throws(FileError) -> (full: Rotary, sliding: Rotary) {
        let bases = (full: try reader.number("rope_theta", default: 1_000_000), sliding: try reader.number("rope_local_base_freq", default: 10_000))
        let scaling = reader.value("rope_scaling")?.object ?? JSONObject()
        let tables = reader.value("rope_parameters")
        if let tables, tables[LayerTypes.full] == nil, tables[LayerTypes.sliding] == nil {
            throw reader.wrong("rope_parameters", "a table for \(LayerTypes.full) and one for \(LayerTypes.sliding)", tables.serialized())
        }
        let path = reader.path
        func read(_ kind: String, _ base: Double, _ changes: JSONObject) throws(FileError) -> Rotary {
            var table = tables?[kind]?.object ?? ["rope_type": "default"]
            for (key, value) in changes { table[key] = value }
            // The reference looks for it outside the tables of the kinds, where it never is.
            table["truncate"] = nil
            return try RopeConfig.read(
                .object(table), path, "rope_parameters.\(kind)", sizes.headWidth, sizes.context, nil, theta: base, RopeRules())
        }
        return (try read(LayerTypes.full, bases.full, scaling), try read(LayerTypes.sliding, bases.sliding, JSONObject()))
    }

    private static func gemma3Fields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = gemmaSandwichFields(spec) else { return nil }
        var tables: JSONObject = [LayerTypes.full: ["rope_type": "default"], LayerTypes.sliding: ["rope_type": "default"]]
        for block in spec.layers.cycle {
            guard case .attention(let attention) = block.mixer, let rotary = attention.rotary else { return nil }
            tables[attention.span.window > 0 ? LayerTypes.sliding : LayerTypes.full] = .object(RopeConfig.table(rotary))
        }
        fields["rope_parameters"] = .object(tables)
        let isCausal = spec.layers.cycle.allSatisfy(\.isCausal)
        fields["use_bidirectional_attention"] = .bool(!isCausal)
        let window = LayerTypes.window(spec) ?? 4096
        fields["sliding_window"] = JSON(isCausal ? window : (window - 1) * 2)
        return fields
    }
}
