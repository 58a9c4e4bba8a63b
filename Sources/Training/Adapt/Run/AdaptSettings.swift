import QuintetFiles
public import QuintetModels
public import QuintetTensors

/// Every knob of an adaptation. Nil means: from the model and the data.
public struct AdaptSettings: Sendable, Equatable {
    /// Which parameters learn.
    public var method = Method.full
    /// What the data's fields are called, where not as usual.
    public var fields = FieldNames()
    /// A name of `Objectives.all`; nil: by the data.
    public var objective: String?
    // Rows and length of the run
    public var steps: Int?
    public var epochs: Double?
    public var batch = 8
    public var accumulation = 1
    /// Tokens of one text at most; nil: what the model was made for, at most 2048.
    public var maxLength: Int?
    /// Fills each of a batch's places with short texts up to the length, instead of one text for each.
    public var packs = false
    // The learning rate
    public var learningRate: Double?
    public var schedule = Schedule.Kind.linear
    public var warmupRatio = 0.1
    public var weightDecay = 0.01
    public var clip = 1.0
    // The adapter
    public var rank = 16
    public var alpha: Double?
    public var adapterDropout = 0.0
    public var rankStabilized = false
    /// Names or one pattern of modules, as PEFT has them; empty: all linear layers.
    public var targets: [String] = []
    /// Modules that learn as a whole beside the adapter, by PEFT's names: `embed_tokens`, `lm_head`, norms.
    public var savedModules: [String] = []
    // The objective
    public var masksPrompts = true
    /// DPO's; nil: 0.1 and 0.
    public var beta: Double?
    public var labelSmoothing: Double?
    public var pooling = ScoreShape.Pooling.last
    // How it is computed and kept
    public var recompute = RecomputeLevel.none
    /// How products with a frozen base take their numbers; nil: bf16 for a base in bf16 or blocks, else as the base is served.
    public var arithmetic: FrozenArithmetic?
    public var seed = 42
    public var evalEvery: Int?
    public var saveEvery: Int?
    /// Evaluations without a better one after which the run ends; 0: never.
    public var patience = 5
    public var keepLast = 1
    // The result
    /// The type that weights are written in.
    public var dtype = SavedType.f32
    /// A further file, .gguf or a folder, with its type by its name: written, gated and published with the result.
    public var export: String?
    public var exportType = "none"
    public var skipsGate = false
    public var gatePrompts = 8
    /// In place of the bound that goes with the types written.
    public var gateBound: Double?

    public init() {}

    /// Which parameters learn.
    public enum Method: String, Sendable, CaseIterable {
        /// All of them.
        case full
        /// Low-rank matrices beside the frozen ones (Hu et al. 2021).
        case lora
        /// The same with magnitudes of their own (Liu et al. 2024).
        case dora
        /// LoRA over weights that stay quantized (Dettmers et al. 2023).
        case qlora
        /// A new layer that scores, over a frozen model.
        case head

        public var isAdapter: Bool { self == .lora || self == .dora || self == .qlora }
    }

    /// Types that `transformers` keeps weights in.
    public enum SavedType: String, Sendable, CaseIterable { case f32, f16, bf16 }

    /// What makes a run what it is, by name: a continued run has to agree.
    var identity: JSONObject {
        var out: JSONObject = [
            "method": .string(method.rawValue), "objective": objective.map { .string($0) } ?? .null, "max_steps": steps.map { JSON($0) } ?? .null,
            "num_train_epochs": epochs.map { .number($0) } ?? .null, "per_device_train_batch_size": JSON(batch),
            "gradient_accumulation_steps": JSON(accumulation), "max_length": maxLength.map { JSON($0) } ?? .null, "packing": .bool(packs),
            "learning_rate": learningRate.map { .number($0) } ?? .null, "lr_scheduler_type": .string(schedule.rawValue),
            "warmup_ratio": .number(warmupRatio), "weight_decay": .number(weightDecay), "max_grad_norm": .number(clip),
            "lora_r": JSON(rank), "lora_alpha": .number(alpha ?? 2 * Double(rank)), "lora_dropout": .number(adapterDropout),
            "use_rslora": .bool(rankStabilized), "target_modules": .array(targets.map { .string($0) }), "mask_prompt": .bool(masksPrompts),
            "beta": .number(beta ?? 0.1), "label_smoothing": .number(labelSmoothing ?? 0), "pooling": .string(pooling.rawValue),
            "recompute": .string(recompute.rawValue), "arithmetic": arithmetic.map { .string($0.rawValue) } ?? .null, "seed": JSON(seed), "patience": JSON(patience),
        ]
        for (name, value) in [("text_field", fields.text), ("label_field", fields.label)] { if let value { out[name] = .string(value) } }
        if !savedModules.isEmpty { out["modules_to_save"] = .array(savedModules.map { .string($0) }) }
        return out
    }

    /// What keeps these settings from meaning anything.
    var problems: [String] {
        var out: [String] = []
        func check(_ name: String, _ isRight: Bool, _ expected: String, _ found: Any) {
            if !isRight { out.append("\(name): expected \(expected), found \(found)") }
        }
        if let steps { check("steps", (1...1 << 40).contains(steps), "1 or more", steps) }
        if let epochs { check("epochs", epochs.isFinite && epochs > 0 && epochs < 1e6, "a number above 0", epochs) }
        if steps != nil, epochs != nil { out.append("steps and epochs: give one of them") }
        check("batch", (1...1 << 20).contains(batch), "1 or more", batch)
        check("accumulation", (1...1 << 20).contains(accumulation), "1 or more", accumulation)
        if let maxLength { check("max-length", maxLength >= 2, "2 or more", maxLength) }
        if let learningRate { check("learning-rate", learningRate.isFinite && learningRate > 0 && learningRate <= 1, "a number above 0, at most 1", learningRate) }
        check("rank", (1...1 << 16).contains(rank), "1 to 65536", rank)
        if let alpha { check("alpha", alpha.isFinite && alpha > 0, "a number above 0", alpha) }
        check("lora-dropout", adapterDropout >= 0 && adapterDropout < 1, "a number from 0 to below 1", adapterDropout)
        if let beta { check("beta", beta.isFinite && beta > 0, "a number above 0", beta) }
        if let labelSmoothing { check("label-smoothing", labelSmoothing >= 0 && labelSmoothing < 0.5, "a number from 0 to below 0.5", labelSmoothing) }
        check("warmup", warmupRatio >= 0 && warmupRatio < 1, "a share from 0 to below 1", warmupRatio)
        check("weight-decay", weightDecay.isFinite && weightDecay >= 0, "0 or more", weightDecay)
        check("clip", clip.isFinite && clip >= 0, "0 or more", clip)
        if let evalEvery { check("eval-every", evalEvery >= 1, "1 or more", evalEvery) }
        if let saveEvery { check("save-every", saveEvery >= 1, "1 or more", saveEvery) }
        check("patience", patience >= 0, "0 or more", patience)
        check("gate-prompts", (1...1024).contains(gatePrompts), "1 to 1024", gatePrompts)
        if export == nil, exportType != "none" { out.append("quantize: it is the type of a further file; say which with --export OUT.gguf") }
        if !method.isAdapter, !savedModules.isEmpty { out.append("modules-to-save: goes with an adapter (lora, dora, qlora); the method \(method.rawValue) has none") }
        if let gateBound { check("gate-bound", gateBound >= 0, "0 or more", gateBound) }
        return out
    }
}
