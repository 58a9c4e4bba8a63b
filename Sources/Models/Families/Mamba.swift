import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// Mamba (Gu & Dao 2023): selective state spaces and nothing else.
    static let mamba = Family(
        name: "mamba", architecture: "MambaForCausalLM", spec: { reader throws(FileError) in try mambaSpec(&reader) }, fields: mambaFields,
        weights: mambaWeights, scoring: .none)

    private static func mambaSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let width = try reader.int("hidden_size", "d_model", default: 768)
        let norm = Norm.rms(epsilon: Float(try reader.number("layer_norm_epsilon", default: 1e-5)), offset: 0)
        let inner = Double(width) * (try reader.number("expand", default: 2))
        guard width > 0, inner >= 1, inner < Double(1 << 20) else { throw reader.wrong("expand", "above 0", "\(inner) columns") }
        let space = StateSpaceSpec(
            inner: Int(inner), states: try reader.int("state_size", default: 16), taps: try reader.int("conv_kernel", default: 4),
            stepRank: try mambaRank(&reader, width), activation: try ActivationNames.read(&reader, "hidden_act", default: "silu"),
            biases: try reader.flag("use_bias", default: false) ? .both : .none,
            convolutionBias: try reader.flag("use_conv_bias", default: true) ? .learned : .none)
        reader.ignore(
            "intermediate_size", "residual_in_fp32", "rescale_prenorm_residual", "time_step_scale", "time_step_min", "time_step_max",
            "time_step_init_scheme", "time_step_floor", "use_mambapy", "use_associative_scan", "d_inner", "d_model", "n_layer", "fused_add_norm",
            "rms_norm", "ssm_cfg", "pad_vocab_size_multiple")
        let block = BlockSpec(mixer: .stateSpace(space), feedForward: .none, norm: norm)
        return TransformerSpec(
            vocabulary: try reader.int("vocab_size", default: 50_280), width: width,
            // No number bounds what a state reads; this is what the published models were trained with.
            context: try reader.int("max_position_embeddings", default: 2048),
            layers: LayerPattern(block, count: try reader.layers("num_hidden_layers", "n_layer")), finalNorm: norm,
            head: HeadSpec(HeadProjection(tied: try reader.flag("tie_word_embeddings", default: true))),
            initialization: Initialization(deviation: Float(try reader.number("initializer_range", default: 0.1)), outputs: .same))
    }

    private static func mambaRank(_ reader: inout ConfigReader, _ width: Int) throws(FileError) -> Int {
        if let value = reader.value("time_step_rank"), value.string == "auto" { return (width + 15) / 16 }
        return try reader.int("time_step_rank", default: (width + 15) / 16)
    }

    private static func mambaFields(_ spec: TransformerSpec) -> JSONObject? {
        guard case .stateSpace(let space)? = spec.layers.first?.mixer, space.inner % max(spec.width, 1) == 0 else { return nil }
        return [
            "vocab_size": JSON(spec.vocabulary), "hidden_size": JSON(spec.width), "num_hidden_layers": JSON(spec.layers.count),
            "intermediate_size": JSON(space.inner), "expand": JSON(space.inner / max(spec.width, 1)), "state_size": JSON(space.states),
            "conv_kernel": JSON(space.taps), "time_step_rank": JSON(space.stepRank), "hidden_act": .string(ActivationNames.name(space.activation)),
            "use_bias": .bool(space.biases == .both), "use_conv_bias": .bool(space.convolutionBias == .learned),
            "layer_norm_epsilon": JSON(spec.layers[0].norm.epsilon), "max_position_embeddings": JSON(spec.context),
            "tie_word_embeddings": .bool(spec.head.projection.isTied), "initializer_range": JSON(spec.initialization.deviation),
        ]
    }

    private static func mambaWeights(_ spec: TransformerSpec) -> WeightMap {
        guard case .stateSpace(let space)? = spec.layers.first?.mixer else { return WeightMap([]) }
        let theirs = "backbone.layers.{}.mixer", ours = "blocks.{}.stateSpace"
        var rows = CommonRows.ends("backbone.embeddings", "backbone.norm_f") + CommonRows.pair("backbone.layers.{}.norm", "blocks.{}.norm1")
        for (name, our) in [("in_proj", "in"), ("x_proj", "select"), ("dt_proj", "step"), ("out_proj", "out")] {
            rows += CommonRows.pair("\(theirs).\(name)", "\(ours).\(our)")
        }
        rows += [
            .arranged(
                "\(theirs).conv1d.weight", stored: [space.inner, 1, space.taps], view: [space.inner, space.taps], axes: [1, 0])
                <-> "\(ours).convolution.weight",
            .same("\(theirs).conv1d.bias") <-> "\(ours).convolution.bias", .transposed("\(theirs).A_log") <-> "\(ours).decay",
            .same("\(theirs).D") <-> "\(ours).skip",
        ]
        return WeightMap(
            rows, prefix: "backbone.", ignored: CommonRows.ignored(spec), aliases: ["backbone.embeddings.weight": "backbone.embedding.weight"])
    }
}
