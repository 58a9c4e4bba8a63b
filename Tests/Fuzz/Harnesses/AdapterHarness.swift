import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors

extension Harness {
    /// adapter_config.json: the configuration, then what it means on a small model.
    static let adapter = Harness("adapter", seeds: seedsOfAdapter) { bytes in
        let json = try bytes.withUnsafeBytes { try JSON.parse($0, source: "fuzz") }
        let config = try AdapterConfig(json, path: "adapter_config.json")
        guard let family = Families.named("llama") else { return }
        let plan = try AdapterPlan(config, family, small)
        _ = plan.parameters.reduce(0) { $0 + $1.count }
        _ = plan.config.json(modules: plan.modules.map(\.name), turned: false).serialized()
    }

    private static let small = TransformerSpec(
        vocabulary: 16, width: 8, context: 16,
        layers: LayerPattern(
            BlockSpec(
                mixer: .attention(AttentionSpec(heads: 2, kvHeads: 1, headWidth: 4, positions: .rotary(Rotary(width: 4)))),
                feedForward: .gated(hidden: 12, .silu, .none), norm: .rms(epsilon: 1e-5, offset: 0)), count: 2),
        finalNorm: .rms(epsilon: 1e-5, offset: 0))

    private static let seedsOfAdapter: [[UInt8]] = [
        #"{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "lora_dropout": 0.1, "target_modules": ["q_proj", "v_proj"], "bias": "none", "use_dora": false}"#,
        #"{"peft_type": "LORA", "r": 2, "target_modules": ".*layers\\.(0|1)\\..*_proj", "rank_pattern": {"q_proj": 8}, "alpha_pattern": {"k_.*": 2.5}}"#,
        #"{"peft_type": "LORA", "target_modules": "all-linear", "exclude_modules": ["o_proj"], "layers_to_transform": [1], "modules_to_save": ["norm", "score"]}"#,
    ].map { Array($0.utf8) }
}
