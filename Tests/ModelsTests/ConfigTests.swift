import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

@Suite struct ConfigTests {
    @Test func readsGPT2() throws {
        let (spec, warnings) = try spec(gpt2Config(["n_ctx": 32, "n_inner": 40, "torch_dtype": "float32", "layer_norm_epsilon": 1e-4]))
        #expect(warnings.isEmpty)
        #expect(spec.embedding.positions == .learned())
        #expect(spec.head.projection == .tied)
        #expect(spec.layers[1].feedForward == .plain(hidden: 40, .geluTanh, .both))
        #expect(spec.finalNorm == .layer(epsilon: 1e-4, .weightAndBias))
        #expect(attention(spec).scale == .inverseSquareRoot)
        #expect(spec.parameterCount == 32 * 16 + 32 * 16 + 2 * (4 * 16 + 16 * 48 + 48 + 16 * 16 + 16 + 2 * 16 * 40 + 40 + 16) + 32)
        let scales: [(Bool, Bool, Float)] = [(true, false, 0.5), (true, true, 0.25), (false, true, 0.5), (false, false, 1)]
        for (scaled, byDepth, value) in scales {
            let (spec, _) = try self.spec(scaled, byDepth)
            #expect(attention(spec).scale.value(headWidth: 4, layer: 1) == value)
        }
    }

    private func spec(_ scaled: Bool, _ byDepth: Bool) throws -> (TransformerSpec, [String]) {
        try ModelsTests.spec(gpt2Config(["scale_attn_weights": .bool(scaled), "scale_attn_by_inverse_layer_idx": .bool(byDepth)]))
    }

    private func spec(_ config: JSON) throws -> (spec: TransformerSpec, warnings: [String]) { try ModelsTests.spec(config) }

    @Test func readsLlama() throws {
        let (spec, _) = try spec(llamaConfig(["attention_bias": true, "mlp_bias": true, "hidden_act": "gelu_pytorch_tanh", "head_dim": 10]))
        #expect(attention(spec) == AttentionSpec(heads: 4, kvHeads: 2, headWidth: 10, positions: .rotary(Rotary(width: 10)), biases: .both))
        #expect(spec.layers[0].feedForward == .gated(hidden: 24, .geluTanh, .both))
        #expect(spec.head.projection == .own)
        let (plain, _) = try self.spec(llamaConfig(["num_key_value_heads": nil, "tie_word_embeddings": true]))
        #expect(attention(plain).kvHeads == 4)
        #expect(plain.head.projection == .tied)
    }

    @Test func readsOldAndNewSpellings() throws {
        let pairs: [(JSONObject, JSONObject)] = [
            (["rope_theta": 500000.0], ["rope_parameters": ["rope_type": "default", "rope_theta": 500000.0]]),
            (
                ["rope_theta": 1000.0, "rope_scaling": ["type": "linear", "factor": 4.0]],
                ["rope_parameters": ["rope_type": "linear", "factor": 4.0, "rope_theta": 1000.0]]
            ),
            (
                ["rope_theta": 1000.0, "rope_scaling": ["rope_type": "yarn", "type": "yarn", "factor": 4, "original_max_position_embeddings": 8]],
                ["rope_parameters": ["rope_type": "yarn", "factor": 4.0, "rope_theta": 1000.0, "original_max_position_embeddings": 8]]
            ),
            (["rope_scaling": nil], ["rope_parameters": ["rope_theta": 10000, "rope_type": "default"]]),
        ]
        for (old, new) in pairs { #expect(try spec(llamaConfig(old)).spec == spec(llamaConfig(new)).spec) }
    }

    /// A GGUF file holds 32 bits of a factor: 1.1 has to be the same model there, or a longrope model could not be exported.
    @Test func factorsAreNumbersOf32Bits() throws {
        func rounded(_ values: [Double]) -> JSON { .array(values.map { .number(Double(Float($0))) }) }
        let short = (0..<8).map { 1 + 0.1 * Double($0) }, long = short.map { $0 * 3.3 }
        func longrope(_ short: JSON, _ long: JSON) throws -> TransformerSpec {
            try spec(llamaConfig(["rope_scaling": ["rope_type": "longrope", "original_max_position_embeddings": 12, "short_factor": short, "long_factor": long]])).spec
        }
        #expect(try longrope(.array(short.map { .number($0) }), .array(long.map { .number($0) })) == longrope(rounded(short), rounded(long)))
        for kind in ["linear", "yarn"] {
            let specs = try [3.3, Double(Float(3.3))].map { try spec(llamaConfig(["rope_scaling": ["rope_type": .string(kind), "factor": .number($0)]])).spec }
            #expect(specs[0] == specs[1], "\(kind)")
        }
    }

    static let wrong: [(String, JSON)] = [
        ("hidden_size", llamaConfig(["hidden_size": nil])), ("hidden_size", llamaConfig(["hidden_size": "64"])),
        ("hidden_size", llamaConfig(["hidden_size": 64.5])), ("num_attention_heads", llamaConfig(["num_attention_heads": 7])),
        ("num_attention_heads", llamaConfig(["num_attention_heads": 0])), ("num_key_value_heads", llamaConfig(["num_key_value_heads": 3])),
        ("hidden_size", llamaConfig(["hidden_size": -64])), ("vocab_size", llamaConfig(["vocab_size": 0])),
        ("num_hidden_layers", llamaConfig(["num_hidden_layers": 1_000_000])), ("num_hidden_layers", llamaConfig(["num_hidden_layers": 0])),
        ("rms_norm_eps", llamaConfig(["rms_norm_eps": 0])), ("rms_norm_eps", llamaConfig(["rms_norm_eps": "1e-5"])),
        ("hidden_act", llamaConfig(["hidden_act": "mish"])), ("rope_type", llamaConfig(["rope_scaling": ["type": "su", "factor": 2.0]])),
        ("factor", llamaConfig(["rope_scaling": ["type": "linear"]])), ("rope_scaling.factor", llamaConfig(["rope_scaling": ["type": "linear", "factor": 0]])),
        ("banana", llamaConfig(["rope_scaling": ["type": "linear", "factor": 2.0, "banana": 1]])),
        ("partial_rotary_factor", llamaConfig(["partial_rotary_factor": 0.5])), ("head_dim", llamaConfig(["head_dim": 5])),
        ("rope_theta", llamaConfig(["rope_theta": -1])), ("quantization_config", llamaConfig(["quantization_config": ["quant_method": "gptq"]])),
        ("is_encoder_decoder", llamaConfig(["is_encoder_decoder": true])), ("pruned_heads", llamaConfig(["pruned_heads": ["0": [1]]])),
        ("attention_bias", llamaConfig(["attention_bias": 1])), ("n_head", gpt2Config(["n_head": 3])),
        ("add_cross_attention", gpt2Config(["add_cross_attention": true])), ("n_embd", gpt2Config(["n_embd": nil])),
        ("n_embd", gpt2Config(["n_embd": 4_611_686_018_427_387_904])), ("embd_pdrop", gpt2Config(["embd_pdrop": 1.5])),
    ]

    @Test func refusesWhatIsWrong() {
        for (field, config) in Self.wrong {
            #expect { try spec(config) } throws: { "\($0)".contains(field) }
        }
    }

    /// The range checks stand in the spec, whose names are ours; what a person reads is the file's field, its value, and the range.
    static let ranges: [(family: String, field: String, changes: JSONObject)] = [
        ("llama", "max_position_embeddings", ["max_position_embeddings": 2_147_483_648]), ("llama", "hidden_size", ["hidden_size": 1_073_741_824, "num_attention_heads": 4, "head_dim": 16]),
        ("llama", "vocab_size", ["vocab_size": 0]), ("llama", "rms_norm_eps", ["rms_norm_eps": -1]), ("llama", "head_dim", ["head_dim": 100_000]),
        ("llama", "num_key_value_heads", ["num_key_value_heads": 3]), ("llama", "intermediate_size", ["intermediate_size": 0]),
        ("llama", "rope_parameters.factor", ["rope_parameters": ["rope_type": "linear", "factor": -1]]),
        ("llama", "rope_parameters.rope_theta", ["rope_parameters": ["rope_theta": 0]]),
        ("llama", "rope_scaling.low_freq_factor", ["rope_scaling": ["rope_type": "llama3", "factor": 2, "low_freq_factor": 0, "high_freq_factor": 1, "original_max_position_embeddings": 8]]),
        ("llama", "rope_scaling.beta_fast", ["rope_scaling": ["rope_type": "yarn", "factor": 2, "beta_fast": -3]]),
        ("mistral", "sliding_window", ["sliding_window": -5]), ("gpt2", "n_positions", ["n_positions": 0]), ("gpt2", "n_embd", ["n_embd": 2_097_152]),
        ("gpt2", "layer_norm_epsilon", ["layer_norm_epsilon": 0]), ("gpt2", "n_inner", ["n_inner": -1]), ("gpt2", "attn_pdrop", ["attn_pdrop": 1]),
        ("gptj", "rotary_dim", ["rotary_dim": 9]), ("falcon", "num_kv_heads", ["new_decoder_architecture": true, "num_kv_heads": 3]),
        ("gpt_neo", "window_size", ["window_size": 0]), ("gpt_neox", "rotary_emb_base", ["rotary_emb_base": 0]), ("mpt", "max_seq_len", ["max_seq_len": 0]),
        ("mpt", "attn_config.clip_qkv", ["attn_config": ["clip_qkv": -1]]), ("opt", "ffn_dim", ["ffn_dim": 0]),
        ("gemma2", "attn_logit_softcapping", ["attn_logit_softcapping": -1]), ("gemma2", "final_logit_softcapping", ["final_logit_softcapping": -1]),
        ("gemma3_text", "rope_parameters.sliding_attention.factor", ["rope_parameters": ["sliding_attention": ["rope_type": "linear", "factor": 0], "full_attention": ["rope_type": "default"]]]),
    ]

    @Test(arguments: ranges.indices) func namesTheFilesField(_ index: Int) {
        let (family, field, changes) = Self.ranges[index]
        do {
            _ = try spec(FamilyTests.config(family, changes))
            Issue.record("\(family) \(field) was accepted")
        } catch {
            let error = error as? FileError
            #expect(error?.field == field && error?.path == "config.json" && error?.expected != nil, "\(family): \(String(describing: error))")
        }
    }

    /// A value that is derived from another field names that field and says what it gave.
    @Test func namesWhereANumberCameFrom() {
        #expect { try spec(llamaConfig(["hidden_size": 4_194_304, "num_attention_heads": 4])) } throws: { "\($0)".contains("hidden_size") }
        #expect { try spec(llamaConfig(["hidden_size": 4, "num_attention_heads": 4])) } throws: {
            "\($0)".contains("field \"num_attention_heads\"") && "\($0)".contains("rotary width")
        }
    }

    @Test func tellsWhatIsNotUsed() throws {
        let (_, warnings) = try spec(llamaConfig(["auto_map": ["AutoModel": "x.py"], "trust_remote_code": true, "hidden_siez": 3]))
        #expect(warnings.contains { $0.contains("auto_map") })
        #expect(warnings.contains { $0.contains("trust_remote_code") })
        #expect(warnings.contains { $0.contains("hidden_siez") })
    }

    @Test func writesWhatItReads() throws {
        let configs = [
            gpt2Config(), gpt2Config(["n_inner": 40, "activation_function": "relu", "tie_word_embeddings": false, "scale_attn_weights": false]),
            llamaConfig(), llamaConfig(["attention_bias": true, "mlp_bias": true, "head_dim": 6, "tie_word_embeddings": true]),
            llamaConfig(["rope_scaling": ["type": "linear", "factor": 4.0]]), llamaConfig(["rope_scaling": ["type": "dynamic", "factor": 2.0]]),
            llamaConfig(["rope_scaling": ["rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8, "truncate": false]]),
            llamaConfig([
                "rope_scaling": [
                    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8,
                ]
            ]),
        ]
        for config in configs {
            let spec = try spec(config).spec
            let family = try #require(Families.expressing(spec))
            #expect(JSON.string(family.name) == config["model_type"])
            let written = try family.config(spec, SpecialTokens(bos: 1, eos: [2, 3]))
            #expect(try self.spec(written).spec.layers == spec.layers)
            #expect(written["eos_token_id"] == [2, 3])
        }
    }

    @Test func noFamilySaysTheImpossible() throws {
        var spec = try spec(gpt2Config()).spec
        spec.embedding.scale = 2
        #expect(Families.expressing(spec) == nil)
        #expect(throws: FileError.self) { try ModelExport(spec, card: ModelCard(title: "x", summary: "x")) }
    }

    @Test func namesTheNearestFamily() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/config.json", llamaConfig(["model_type": "lama"]))
            #expect { try ModelFolder.open(folder) } throws: { "\($0)".contains("did you mean llama") }
            try AtomicFile.write(folder + "/config.json", "{\"model_type\": ")
            #expect { try ModelFolder.open(folder) } throws: { "\($0)".contains("config.json") }
            #expect(throws: FileError.self) { try ModelFolder.open(folder + "/nothing") }
            #expect(throws: FileError.self) { try ModelFolder.open(folder + "/config.json") }
        }
    }
}
