import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// What llama.cpp cannot open is not written, and names the setting; what it computes otherwise is written and said.
///
/// Each row was tried with llama.cpp 0.3.36 of llama-cpp-python on random models of `transformers`.
@Suite struct GGUFLimitTests {
    static let common: JSONObject = [
        "vocab_size": 40, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 6, "num_key_value_heads": 6,
        "head_dim": 8, "max_position_embeddings": 160,
    ]
    static let experts: JSONObject = ["num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "norm_topk_prob": true]
    static let latent: JSONObject = [
        "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 16, "q_lora_rank": 24, "n_routed_experts": 8, "n_group": 1,
        "topk_group": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 20, "first_k_dense_replace": 1, "head_dim": nil,
    ]
    static let longrope: JSON = [
        "rope_type": "longrope", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32, "short_factor": [1.0, 1.1, 1.2, 1.3],
        "long_factor": [1.0, 2.0, 3.0, 4.0],
    ]
    static let llama3: JSON = [
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
    ]

    static let yarn: JSON = [
        "rope_type": "yarn", "rope_theta": 150000.0, "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false, "original_max_position_embeddings": 4096,
    ]

    /// Writes a folder with random weights and converts it.
    private func convert(_ family: String, _ changes: [JSONObject], in folder: String) throws -> (report: ModelConversion.Report, file: ModelFolder, original: ModelFolder) {
        var config = Self.common
        config["model_type"] = .string(family)
        for (key, value) in changes.flatMap({ Array($0) }) { config[key] = value.isNull ? nil : value }
        let name = "\(family)-\(try Folder.names(in: folder).count)"
        var reader = try ConfigReader(.object(config), path: name)
        let spec = try #require(Families.named(family)).checkedSpec(&reader)
        let store = ParameterStore(spec.parameters, matrixDType: .f32, gradients: false)
        store.initialize(seed: 7)
        let tensors = Dictionary(uniqueKeysWithValues: store.entries.enumerated().map { ($1.name, store.tensor($0)) })
        try ModelExport(spec, family: Families.named(family), card: ModelCard(title: name, summary: "Random.", facts: [], license: nil))
            .write(tensors, into: "\(folder)/\(name)")
        let out = "\(folder)/\(name).gguf"
        let report = try ModelConversion("\(folder)/\(name)", .f32).write(to: out)
        return (report, try ModelFolder.open(out), try ModelFolder.open("\(folder)/\(name)"))
    }

    static let refused: [(family: String, changes: [JSONObject], setting: String)] = [
        ("falcon", [["head_dim": nil, "bias": true, "multi_query": true, "num_key_value_heads": nil]], "bias"),
        ("gemma", [["tie_word_embeddings": false]], "tie_word_embeddings"), ("gemma2", [["tie_word_embeddings": false]], "tie_word_embeddings"),
        ("starcoder2", [["use_bias": false]], "use_bias"), ("qwen3", [["attention_bias": true]], "attention_bias"),
        ("qwen3_moe", [experts, ["attention_bias": true]], "attention_bias"), ("qwen3_moe", [experts, ["mlp_only_layers": [0]]], "mlp_only_layers"),
        ("olmoe", [experts, ["num_key_value_heads": 2]], "num_key_value_heads"), ("deepseek_v3", [latent, ["q_lora_rank": .null]], "q_lora_rank"),
        ("deepseek_v3", [latent, ["first_k_dense_replace": 2]], "first_k_dense_replace"), ("qwen2", [["rope_parameters": longrope]], "rope_parameters"),
        ("olmo2", [["rope_parameters": llama3]], "rope_parameters"), ("smollm3", [["rope_parameters": llama3]], "rope_parameters"),
        ("olmoe", [experts], "norm_topk_prob"), ("qwen3", [["hidden_act": "relu"]], "hidden_act"), ("llama", [["hidden_act": "gelu"]], "hidden_act"),
    ]

    @Test(arguments: refused.indices) func refusesWhatDoesNotOpen(_ index: Int) throws {
        let (family, changes, setting) = Self.refused[index]
        try withFolder { folder in
            do {
                _ = try convert(family, changes, in: folder)
                Issue.record("\(family): \(setting) was written")
            } catch let error as FileError {
                #expect(error.field == setting && "\(error)".contains("cannot say this model"), "\(family): \(error)")
            }
            #expect(try Folder.names(in: folder).allSatisfy { !$0.hasSuffix(".gguf") })
        }
    }

    /// llama.cpp wants a head here; one that is the embedding is written.
    @Test(arguments: ["olmo2", "gpt_oss", "olmoe", "stablelm"]) func writesTheHeadThatIsNeeded(_ family: String) throws {
        let changes: [String: [JSONObject]] = [
            "gpt_oss": [["num_local_experts": 4, "num_experts_per_tok": 2, "rope_parameters": ["rope_type": "default", "rope_theta": 10000.0]]], "olmoe": [Self.experts, ["norm_topk_prob": false]],
            "stablelm": [["head_dim": nil, "partial_rotary_factor": 1.0]],
        ]
        try withFolder { folder in
            let (report, file, original) = try convert(family, (changes[family] ?? []) + [["tie_word_embeddings": true]], in: folder)
            #expect(original.spec.head.projection == .tied && file.spec.head.projection == .own && file.weights.find("output.weight") != nil)
            #expect(!report.warnings.contains { $0.contains("llama.cpp") }, "\(report.warnings)")
            #expect(try ModelComparison(original, file, greedyTokens: 8).maxDifference == 0)
        }
    }

    /// LongRoPE needs its name among the keys, or the factors are not looked for.
    @Test(arguments: ["llama", "mistral", "granite"]) func writesLongRope(_ family: String) throws {
        try withFolder { folder in
            let (_, file, original) = try convert(family, [["rope_parameters": Self.longrope, "sliding_window": .null]], in: folder)
            guard case .gguf(let gguf, let architecture) = file.source else {
                Issue.record("no GGUF file")
                return
            }
            #expect(gguf["\(architecture.name).rope.scaling.type"] == .string("longrope") && file.spec == original.spec)
        }
    }

    static let otherwise: [(family: String, changes: [JSONObject], words: String?)] = [
        ("mistral", [["sliding_window": 9]], "window of 9 positions"), ("mistral", [["sliding_window": 159]], "window of 159 positions"),
        ("mistral", [["sliding_window": 160]], nil), ("mixtral", [["num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 9]], "window of 9 positions"),
        ("phi3", [["sliding_window": 6]], "window of 6 positions"), ("starcoder2", [["sliding_window": 6]], "window of 6 positions"),
        ("olmoe", [experts, ["norm_topk_prob": false, "clip_qkv": 0.5]], "clip_qkv"), ("olmoe", [experts, ["norm_topk_prob": false]], nil), ("gemma2", [["sliding_window": 6, "query_pre_attn_scalar": 8]], nil),
        ("gpt_oss", [["num_local_experts": 4, "num_experts_per_tok": 2, "rope_parameters": yarn]], "truncate"),
    ]

    @Test(arguments: otherwise.indices) func saysWhatDiffers(_ index: Int) throws {
        let (family, changes, words) = Self.otherwise[index]
        try withFolder { folder in
            let (report, file, original) = try convert(family, changes, in: folder)
            let said = report.warnings.filter { $0.contains("llama.cpp") }
            #expect(said.count == (words == nil ? 0 : 1) && words.map { said.first?.contains($0) == true } ?? true, "\(family): \(report.warnings)")
            #expect(report.json["warnings"]?.array?.count == report.warnings.count && file.spec.layers == original.spec.layers)
        }
    }
}
