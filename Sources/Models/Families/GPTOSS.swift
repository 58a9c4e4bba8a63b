import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// gpt-oss (OpenAI 2025): experts with clamped gates and biases, sinks, every other layer a window.
    static let gptOSS = Family(
        name: "gpt_oss", architecture: "GptOssForCausalLM", spec: { reader throws(FileError) in try gptOSSSpec(&reader) },
        fields: gptOSSFields, weights: gptOSSWeights)

    private static func gptOSSSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 131_072, kvHeads: 8, headWidth: 64))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-5)), offset: 0)
        var attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth, positions: .rotary(try gptOSSRotary(&reader, sizes)),
            biases: try reader.flag("attention_bias", default: true) ? .both : .none, sinks: .learned)
        let routing = Routing(
            experts: try reader.int("num_local_experts", "num_experts", default: 128),
            chosen: try reader.int("num_experts_per_tok", "experts_per_token", default: 4), scoring: .softmaxOverChosen)
        let gate = Gate.clamped(
            alpha: Float(try reader.number("swiglu_alpha", default: 1.702)), limit: Float(try reader.number("swiglu_limit", default: 7)))
        let experts = FeedForward.experts(ExpertsSpec(routing: routing, hidden: sizes.hidden, gate: gate, biases: .both, router: .biased))
        reader.withoutEffect("hidden_act", "silu")
        reader.ignore("router_aux_loss_coef", "output_router_logits", "initial_context_length", "experts_per_token")
        try reader.quantized(by: "mxfp4")
        let window = try reader.nullableInt("sliding_window", default: 128)
        let spans = try LayerTypes.read(&reader, layers: sizes.layers, window: window) { $0 % 2 == 0 }
        let blocks = spans.map { span in
            attention.span = span
            return BlockSpec(mixer: .attention(attention), feedForward: experts, norm: norm)
        }
        return try sizes.spec(&reader, LayerPattern(blocks), norm: norm, tied: false)
    }

    /// Without a table the reference stretches 4096 positions by 32.
    private static func gptOSSRotary(_ reader: inout ConfigReader, _ sizes: DecoderFields) throws(FileError) -> Rotary {
        var rotary = try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context, RopeRules(theta: 150_000))
        if reader.value("rope_scaling", "rope_parameters") == nil {
            rotary.scaling = .yarn(
                RopeScaling.Yarn(factor: 32, context: 4096, betaFast: 32, betaSlow: 1, attentionFactor: 1.3465735902799727, range: .exact))
        }
        return rotary
    }

    private static func gptOSSFields(_ spec: TransformerSpec) -> JSONObject? {
        guard let attention = spec.firstAttention, let rotary = attention.rotary, let experts = spec.firstExperts,
            case .clamped(let alpha, let limit) = experts.gate
        else { return nil }
        var fields = DecoderFields.json(spec, attention)
        fields["rms_norm_eps"] = JSON(spec.layers[0].norm.epsilon)
        fields["attention_bias"] = .bool(attention.biases == .both)
        fields["num_local_experts"] = JSON(experts.routing.experts)
        fields["num_experts_per_tok"] = JSON(experts.routing.chosen)
        fields["swiglu_alpha"] = JSON(alpha)
        fields["swiglu_limit"] = JSON(limit)
        fields["sliding_window"] = LayerTypes.window(spec).map { JSON($0) } ?? .null
        fields["layer_types"] = LayerTypes.names(spec)
        RopeConfig.write(rotary, headWidth: attention.headWidth, into: &fields)
        return fields
    }

    /// Experts lie in one tensor [experts, in, out], gate and up column by column; or in MXFP4 blocks of [experts, out, in].
    private static func gptOSSWeights(_ spec: TransformerSpec) -> WeightMap {
        guard let experts = spec.firstExperts else { return CommonRows.llamaLike(spec) }
        let (count, hidden, width) = (experts.routing.experts, experts.hidden, spec.width)
        let theirs = "model.layers.{}.mlp", ours = "blocks.{}.feedForward"
        let rows: [WeightRow] = [
            .same("model.layers.{}.self_attn.sinks") <-> "blocks.{}.attention.sinks",
            .arranged("\(theirs).experts.gate_up_proj", stored: [count, width, 2 * hidden], view: [count, width, hidden, 2], axes: [0, 3, 2, 1])
                <-> "\(ours).experts.gateUp.weight",
            .arranged("\(theirs).experts.gate_up_proj_bias", stored: [count, 2 * hidden], view: [count, hidden, 2], axes: [0, 2, 1])
                <-> "\(ours).experts.gateUp.bias",
            .arranged("\(theirs).experts.down_proj", stored: [count, hidden, width], view: [count, hidden, width], axes: [0, 2, 1])
                <-> "\(ours).experts.down.weight",
            .same("\(theirs).experts.down_proj_bias") <-> "\(ours).experts.down.bias",
            .microscaled("\(theirs).experts.gate_up_proj", matrices: count, rows: 2 * hidden, order: .alternating)
                <-> "\(ours).experts.gateUp.weight",
            .microscaled("\(theirs).experts.down_proj", matrices: count, rows: width, order: .same) <-> "\(ours).experts.down.weight",
        ]
        return CommonRows.llamaLike(spec).adding(CommonRows.pair("\(theirs).router", "\(ours).router") + rows)
    }
}
