import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// What every family's configuration says, and that what it says comes back.
@Suite struct FamilyTests {
    /// The smallest configuration of each family: sizes alone, everything else as the reference's defaults.
    static let smallest: [String: JSONObject] = [
        "gpt2": ["vocab_size": 32, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32],
        "llama": decoder, "mistral": decoder, "qwen2": decoder, "phi": decoder, "phi3": decoder, "olmo2": decoder, "smollm3": decoder,
        "granite": decoder, "starcoder2": decoder, "stablelm": decoder, "gpt_neox": with(decoder, ["num_key_value_heads": nil]),
        "qwen3": with(decoder, ["head_dim": 8]), "gemma": with(decoder, ["head_dim": 8]), "gemma2": with(decoder, ["head_dim": 8]),
        "gemma3_text": with(decoder, ["head_dim": 8]),
        "gpt_neo": ["vocab_size": 32, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]],
        "gptj": ["vocab_size": 32, "n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4],
        "opt": ["vocab_size": 32, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 40],
        "bloom": ["vocab_size": 32, "hidden_size": 32, "n_layer": 2, "n_head": 4],
        "falcon": ["vocab_size": 32, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4],
        "mpt": ["vocab_size": 32, "d_model": 32, "n_layers": 2, "n_heads": 4],
        "xglm": ["vocab_size": 32, "d_model": 32, "num_layers": 2, "attention_heads": 4, "ffn_dim": 40],
    ]

    static let decoder: JSONObject = [
        "vocab_size": 32, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    ]

    static func with(_ fields: JSONObject, _ changes: JSONObject) -> JSONObject {
        var result = fields
        for (key, value) in changes { result[key] = value.isNull ? nil : value }
        return result
    }

    static func config(_ family: String, _ changes: JSONObject = [:]) -> JSON {
        var fields = smallest[family] ?? [:]
        fields["model_type"] = .string(family)
        for (key, value) in changes { fields[key] = value }
        return .object(fields)
    }

    /// Changes of the smallest configuration; each has to be read, to be written, and to come back.
    static let changes: [(family: String, changes: JSONObject)] = [
        ("llama", ["rope_scaling": ["type": "longrope", "short_factor": [1, 1.5, 2, 2], "long_factor": [2, 3, 4, 5], "factor": 4]]),
        ("mistral", ["sliding_window": nil]), ("mistral", ["sliding_window": 3, "head_dim": 6, "tie_word_embeddings": true]),
        ("qwen2", ["use_sliding_window": true, "sliding_window": 3, "max_window_layers": 1]),
        ("qwen2", ["use_sliding_window": true, "layer_types": ["sliding_attention", "full_attention"]]),
        ("qwen3", ["attention_bias": true, "use_sliding_window": true, "sliding_window": 5, "max_window_layers": 0]),
        ("gemma", ["hidden_act": "gelu", "attention_bias": true]),
        ("gemma2", ["attn_logit_softcapping": nil, "final_logit_softcapping": 3.5, "query_pre_attn_scalar": 7]),
        ("gemma3_text", ["use_bidirectional_attention": true, "sliding_window": 6, "sliding_window_pattern": 2]),
        ("gemma3_text", ["rope_theta": 500, "rope_local_base_freq": 100, "rope_scaling": ["rope_type": "linear", "factor": 8], "sliding_window_pattern": 2]),
        ("phi", ["qk_layernorm": true, "partial_rotary_factor": 0.75, "resid_pdrop": 0.1]),
        ("phi3", ["original_max_position_embeddings": 16, "max_position_embeddings": 64, "rope_scaling": ["type": "su", "short_factor": [1, 1, 1, 1], "long_factor": [2, 3, 4, 5]]]),
        ("phi3", ["sliding_window": 7, "partial_rotary_factor": 0.5]), ("olmo2", ["attention_bias": true, "rope_theta": 500000]),
        ("smollm3", ["no_rope_layers": [0, 1], "use_sliding_window": true, "sliding_window": 3]), ("smollm3", ["no_rope_layer_interval": 1]),
        ("granite", ["embedding_multiplier": 12, "logits_scaling": 3, "residual_multiplier": 0.22, "attention_multiplier": 0.0156, "mlp_bias": true]),
        ("starcoder2", ["use_bias": false, "sliding_window": 5]), ("stablelm", ["qk_layernorm": true, "use_qkv_bias": true]),
        ("stablelm", ["use_parallel_residual": true]), ("gpt_neox", ["rotary_pct": 0.4, "use_parallel_residual": false, "attention_bias": false]),
        ("gpt_neo", ["attention_types": [[["local"], 2]], "window_size": 3, "intermediate_size": 20]), ("gptj", ["tie_word_embeddings": true]),
        ("opt", ["do_layer_norm_before": false, "word_embed_proj_dim": 12, "enable_bias": false, "layer_norm_elementwise_affine": false]),
        ("opt", ["_remove_final_layer_norm": true]), ("bloom", ["apply_residual_connection_post_layernorm": true]),
        ("bloom", ["slow_but_exact": true, "pretraining_tp": 2]), ("falcon", ["new_decoder_architecture": true, "num_kv_heads": 2, "bias": true]),
        ("falcon", ["new_decoder_architecture": true, "num_kv_heads": 1, "num_ln_in_parallel_attn": 1]), ("falcon", ["alibi": true, "multi_query": false]),
        ("falcon", ["multi_query": false, "parallel_attn": false]), ("falcon", ["parallel_attn": false]),
        ("mpt", ["attn_config": ["clip_qkv": 6, "softmax_scale": 0.3]]), ("xglm", ["scale_embedding": false, "pad_token_id": nil]),
    ]

    static let variants = smallest.keys.sorted().map { (family: $0, changes: JSONObject()) } + changes

    @Test(arguments: variants.indices) func whatIsReadIsWrittenAndComesBack(_ index: Int) throws {
        let (name, changes) = Self.variants[index]
        let spec = try spec(Self.config(name, changes)).spec
        let family = try #require(Families.named(name))
        let written = try family.config(spec, SpecialTokens(bos: 1, eos: [2]))
        var reader = try ConfigReader(written, path: "config.json")
        let again = try family.spec(&reader)
        #expect(again.layers == spec.layers)
        #expect(again.embedding == spec.embedding)
        #expect(again.head == spec.head)
        // The weights go out and come in under their names, bit for bit.
        let store = ParameterStore(spec.parameters, gradients: false)
        store.initialize(seed: 3)
        let tensors = Dictionary(uniqueKeysWithValues: store.entries.indices.map { (store.entries[$0].name, store.master($0)) })
        try withFolder { folder in
            try ModelExport(spec, family: family, card: ModelCard(title: name, summary: "A test.")).write(tensors, into: folder)
            let back = try ModelFolder.open(folder).loadWeights(precision: .f32)
            #expect(back.count == tensors.count)
            for (name, tensor) in tensors { #expect(back[name]?.floats == tensor.floats, "\(name)") }
        }
    }

    @Test func everyFamilyIsHere() {
        // Those with experts, latent attention or a state have fixtures and tests of their own.
        let elsewhere: Set = ["mixtral", "qwen3_moe", "olmoe", "gpt_oss", "deepseek_v3", "mamba"]
        for family in Families.all where !elsewhere.contains(family.name) {
            #expect(Self.smallest[family.name] != nil, "\(family.name) has no configuration in this test")
        }
        #expect(Set(Families.all.map(\.name)).count == Families.all.count)
    }

    static let wrong: [(family: String, field: String, changes: JSONObject)] = [
        ("qwen2", "sliding_window", ["layer_types": ["sliding_attention", "full_attention"]]), ("qwen2", "layer_types", ["layer_types": ["full_attention"]]),
        ("qwen3", "layer_types", ["layer_types": ["full_attention", "chunked_attention"]]), ("qwen3", "head_dim", ["head_dim": "8"]),
        ("mistral", "window", ["sliding_window": 0]), ("gemma2", "query_pre_attn_scalar", ["query_pre_attn_scalar": 0]),
        ("gemma3_text", "rope_parameters", ["rope_parameters": ["rope_type": "default"]]), ("gemma3_text", "sliding_window_pattern", ["sliding_window_pattern": 0]),
        ("phi", "rotary width", ["partial_rotary_factor": 0.4]), ("phi", "partial_rotary_factor", ["partial_rotary_factor": 1.5]),
        ("phi3", "rope_type", ["rope_scaling": ["type": "linear", "factor": 2]]), ("phi3", "short_factor", ["rope_scaling": ["type": "su", "long_factor": [1]]]),
        ("phi3", "short_factor", ["rope_scaling": ["type": "longrope", "short_factor": [1], "long_factor": [1, 1, 1, 1]]]),
        ("smollm3", "no_rope_layers", ["no_rope_layers": [1]]), ("smollm3", "no_rope_layer_interval", ["no_rope_layer_interval": 0]),
        ("granite", "logits_scaling", ["logits_scaling": 0]), ("stablelm", "head_dim", ["head_dim": 6]), ("gpt_neox", "num_key_value_heads", ["num_key_value_heads": 2]),
        ("gpt_neo", "attention_types", ["attention_types": [[["global"], 3]]]), ("gpt_neo", "attention_types", ["attention_types": [[["sparse"], 2]]]),
        ("gptj", "rotary_dim", ["rotary_dim": 9]), ("opt", "num_attention_heads", ["num_attention_heads": 5]), ("bloom", "n_head", ["n_head": 3]),
        ("falcon", "parallel_attn", ["new_decoder_architecture": true, "parallel_attn": false]), ("falcon", "num_kv_heads", ["multi_query": false, "num_kv_heads": 2]),
        ("falcon", "num_ln_in_parallel_attn", ["num_ln_in_parallel_attn": 2]), ("falcon", "num_kv_heads", ["new_decoder_architecture": true, "num_kv_heads": 3]),
        ("mpt", "attn_pdrop", ["attn_config": ["attn_pdrop": "x"]]), ("mpt", "configuration", ["attn_config": 3]), ("xglm", "dropout", ["dropout": 2]),
        ("llama", "long_factor", ["rope_scaling": ["type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1, 1, 1, 0]]]),
    ]

    @Test(arguments: wrong.indices) func refusesWhatIsWrong(_ index: Int) {
        let (family, field, changes) = Self.wrong[index]
        #expect { try spec(Self.config(family, changes)) } throws: { "\($0)".contains(field) }
    }

    @Test func saysWhatHasNoEffect() throws {
        for (family, field, changes) in [
            ("mpt", "alibi_bias_max", ["attn_config": ["alibi_bias_max": 4]]), ("mpt", "qk_ln", ["attn_config": ["qk_ln": true]]),
            ("mpt", "banana", ["attn_config": ["banana": 1]]), ("gemma3_text", "attn_logit_softcapping", ["attn_logit_softcapping": 50]),
            ("opt", "layerdrop", ["layerdrop": 0.1]), ("starcoder2", "norm_type", ["norm_type": "rms"]),
        ] as [(String, String, JSONObject)] {
            #expect(try spec(Self.config(family, changes)).warnings.contains { $0.contains(field) }, "\(family)")
        }
    }

    @Test func slotsOfTheFamilies() throws {
        func attention(_ family: String, _ changes: JSONObject = [:], _ layer: Int = 0) throws -> AttentionSpec {
            ModelsTests.attention(try spec(Self.config(family, changes)).spec, layer)
        }
        #expect(try attention("mistral").span == .window(4096))
        #expect(try attention("qwen2", ["use_sliding_window": true, "sliding_window": 3, "max_window_layers": 1], 1).span == .window(3))
        #expect(try attention("qwen2").biases == .input)
        #expect(try attention("gemma2").span == .window(4096))
        #expect(try attention("gemma2", [:], 1).span == .causal)
        #expect(try attention("gemma2").scale == .fixed(0.0625))
        #expect(try attention("gemma3_text", ["sliding_window_pattern": 2, "use_bidirectional_attention": true, "sliding_window": 6]).span == .neighborhood(4))
        #expect(try attention("smollm3", ["no_rope_layers": [0, 1]]).positions == .none)
        #expect(try attention("falcon").kvHeads == 1)
        #expect(try attention("gpt_neo", [:], 1).span == .window(256))
        #expect(try attention("mpt", ["attn_config": ["clip_qkv": 0]]).clip == nil)
        #expect(try attention("gpt_neox", ["rotary_pct": 0.4, "rotary_emb_base": 500]).positions == .rotary(Rotary(base: 500, width: 4, spread: 3)))
        let opt = try spec(Self.config("opt", ["do_layer_norm_before": false, "word_embed_proj_dim": 12])).spec
        #expect(opt.finalNorm == nil && opt.layers[0].residual == .post && opt.tokenWidth == 12)
        #expect(opt.parameters.first { $0.name == "embedding.positions.weight" }?.shape == [2050, 32])
    }

    @Test func patternsAreAsShortAsTheyCanBe() throws {
        let blocks = [16, 24, 16, 24, 16].map {
            BlockSpec(mixer: .attention(AttentionSpec(heads: 1, kvHeads: 1, headWidth: 2)), feedForward: .plain(hidden: $0, .relu, .none), norm: .rms(epsilon: 1e-5, offset: 0))
        }
        #expect(LayerPattern(blocks).cycle.count == 2)
        #expect(LayerPattern(blocks) == LayerPattern(cycle: Array(blocks[..<2]), count: 5))
        #expect(LayerPattern(Array(blocks[..<3])).map(\.feedForward.hidden) == [16, 24, 16])
        #expect(LayerPattern(cycle: blocks, count: 7).map(\.feedForward.hidden) == [16, 24, 16, 24, 16, 16, 24])
        #expect(LayerPattern([blocks[0], blocks[0]]).cycle.count == 1)
    }
}
