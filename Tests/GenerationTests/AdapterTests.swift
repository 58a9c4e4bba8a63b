import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// Adapters against what peft computed (`Tests/Interop/adapters.py --golden` made the folders), and the files both ways.
@Suite struct AdapterTests {
    static let golden = ["llama-lora", "llama-dora", "gpt2-lora", "gpt_neox-lora"]

    static func place(_ name: String) -> String { Folder.join(Folder.join(Folder.parent(of: #filePath), "Adapters"), name) }

    static func base(_ name: String) throws -> ModelFolder {
        try ModelFolder.open(Shared.path("parity/" + (name.split(separator: "-").first.map(String.init) ?? name)))
    }

    /// The folder's expected numbers.
    struct Expected {
        let ids: [Int32], targets: [Int32], logits: [Float], loss: Float
        let gradients: [String: [Float]]

        init(_ name: String) throws {
            let file = try SafetensorsFile.open(Folder.join(AdapterTests.place(name), "expected.safetensors"))
            ids = try file.integers(file.require("input_ids")).map { Int32($0) }
            targets = try file.integers(file.require("targets")).map { Int32($0) }
            logits = try file.floats(file.require("logits"))
            loss = try file.floats(file.require("loss"))[0]
            var gradients: [String: [Float]] = [:]
            for entry in file.names where entry.hasPrefix("gradient.") { gradients[String(entry.dropFirst("gradient.".count))] = try file.floats(file.require(entry)) }
            self.gradients = gradients
        }
    }

    static func far(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }
    static func largest(_ a: [Float]) -> Float { a.map(abs).max() ?? 0 }

    func logits(_ model: Transformer, _ ids: [Int32]) -> [Float] {
        var pass = Pass.sequences(batch: 2, time: ids.count / 2)
        return model.logits(model(Tensor(ids, [ids.count]), &pass)).floats
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: golden) func theirAdapterComputesTheSame(_ name: String) throws {
        let folder = try Self.base(name), expected = try Expected(name)
        let adapter = try Adapter.open(Self.place(name), for: folder)
        let limit = 1e-4 * Self.largest(expected.logits)
        let beside = try folder.adapted(by: [(adapter, 1)])
        #expect(Self.far(logits(try beside.transformer(), expected.ids), expected.logits) <= limit)
        // Merged into the weights.
        try withFolder { out in
            let merged = out + "/merged"
            _ = try ModelConversion(folder.path, .none, merging: [AdapterChoice(Self.place(name))]).write(to: merged)
            #expect(Self.far(logits(try ModelFolder.open(merged).transformer(), expected.ids), expected.logits) <= limit)
        }
        #expect(Self.far(logits(try folder.adapted(by: [(adapter, 0)]).transformer(), expected.ids), expected.logits) > 10 * limit || adapter.config.form == .dora)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: golden, Recompute.allCases)
    func gradientsAreTheirs(_ name: String, _ recompute: Recompute) throws {
        let folder = try Self.base(name), expected = try Expected(name)
        let adapter = try Adapter.open(Self.place(name), for: folder)
        let store = ParameterStore(adapter.plan.parameters)
        try adapter.load(into: store)
        let model = try folder.transformer(training: adapter.plan, store)
        let tape = Tape(parameters: store, recompute: recompute)
        var pass = Pass.sequences(batch: 2, time: expected.ids.count / 2, tape: tape)
        let count = expected.targets.count { $0 >= 0 }
        let losses = model.losses(
            Tensor(expected.ids, [expected.ids.count]), targets: Tensor(expected.targets, [expected.targets.count]), scale: 1 / Float(count), &pass)
        let loss = losses.floats.reduce(0, +) / Float(count)
        #expect(abs(loss - expected.loss) <= 1e-5 * abs(expected.loss))
        _ = tape.backward(from: losses, gradient: losses)
        // An adapter whose numbers are the gradients is written under peft's names.
        let gradients = ParameterStore(adapter.plan.parameters)
        for index in store.entries.indices { gradients.master(index).copyIn(store.gradient(index)) }
        try withFolder { out in
            try Adapter(adapter.plan, gradients).write(folder: out + "/gradients")
            let file = try SafetensorsFile.open(out + "/gradients/adapter_model.safetensors")
            #expect(Set(file.names) == Set(expected.gradients.keys))
            let most = expected.gradients.values.map(Self.largest).max() ?? 0
            for (key, wanted) in expected.gradients {
                let ours = try file.floats(file.require(key))
                #expect(Self.far(ours, wanted) <= 1e-4 * max(Self.largest(wanted), 0.1 * most), "\(key)")
            }
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: golden) func whatWeWriteIsWhatTheyWrote(_ name: String) throws {
        let folder = try Self.base(name), adapter = try Adapter.open(Self.place(name), for: folder)
        try withFolder { out in
            try adapter.write(folder: out + "/again", base: folder)
            let (ours, theirs) = (
                try SafetensorsFile.open(out + "/again/adapter_model.safetensors"), try SafetensorsFile.open(Self.place(name) + "/adapter_model.safetensors")
            )
            #expect(Set(ours.names) == Set(theirs.names))
            for key in theirs.names {
                #expect(try ours.require(key).shape == theirs.require(key).shape)
                #expect(try ours.floats(ours.require(key)) == theirs.floats(theirs.require(key)), "\(key)")
            }
            let again = try Adapter.open(out + "/again", for: folder)
            #expect(again.plan.modules.map(\.name) == adapter.plan.modules.map(\.name))
            #expect(again.plan.modules.map(\.scale) == adapter.plan.modules.map(\.scale))
            // The same numbers under another base's shape are refused by their sample.
            let other = try ModelFolder.open(Shared.path("parity/" + (name.hasPrefix("llama") ? "qwen2" : "mistral")))
            #expect(throws: FileError.self) { try Adapter.open(out + "/again", for: other) }
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func ggufAdaptersGoBothWays() throws {
        for name in ["llama-lora", "gpt2-lora"] {
            let folder = try Self.base(name), expected = try Expected(name)
            try withFolder { out in
                _ = try AdapterConversion(folder.path, Self.place(name)).write(to: out + "/lora.gguf")
                let adapter = try Adapter.open(out + "/lora.gguf", for: folder)
                let limit = 1e-4 * Self.largest(expected.logits)
                #expect(Self.far(logits(try folder.adapted(by: [(adapter, 1)]).transformer(), expected.ids), expected.logits) <= limit)
                // And on the base as a GGUF file, whose rows of q and k lie otherwise.
                _ = try ModelConversion(folder.path, .f32).write(to: out + "/base.gguf")
                let file = try ModelFolder.open(out + "/base.gguf")
                for lora in [out + "/lora.gguf", Self.place(name)] {
                    let model = try file.adapted(by: [AdapterChoice(lora)]).transformer()
                    #expect(Self.far(logits(model, expected.ids), expected.logits) <= limit)
                }
                // Merged from a GGUF file into another.
                _ = try ModelConversion(out + "/base.gguf", .f32, merging: [AdapterChoice(lora(out))]).write(to: out + "/merged.gguf")
                #expect(Self.far(logits(try ModelFolder.open(out + "/merged.gguf").transformer(), expected.ids), expected.logits) <= limit)
            }
        }
    }

    private func lora(_ out: String) -> String { out + "/lora.gguf" }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func aQuantizedBaseIsTrainedOn() throws {
        let folder = try Self.base("llama")
        try withFolder { out in
            _ = try ModelConversion(folder.path, .q4_k_m).write(to: out + "/q4.gguf")
            let base = try ModelFolder.open(out + "/q4.gguf")
            let plan = try AdapterPlan(AdapterConfig(rank: 4, alpha: 8), for: base)
            let store = ParameterStore(plan.parameters)
            try plan.initialize(store, seed: 3, base: base)
            let model = try base.transformer(training: plan, store)
            let ids = Tensor((0..<24).map { Int32(($0 * 37 + 11) % 256) }, [24]), targets = Tensor((0..<24).map { Int32(($0 * 37 + 48) % 256) }, [24])
            func step(_ model: Transformer, _ tape: Tape?) -> Tensor {
                var pass = Pass.sequences(batch: 2, time: 12, tape: tape)
                return model.losses(ids, targets: targets, scale: 1 / 24, &pass)
            }
            var total: [Float] = []
            for _ in 0..<30 {
                let tape = Tape(parameters: store)
                let losses = step(model, tape)
                total.append(losses.floats.reduce(0, +) / 24)
                _ = tape.backward(from: losses, gradient: losses)
                for index in store.entries.indices { store.master(index).copyIn(add(store.master(index), scale(store.gradient(index), by: -0.5))) }
                store.clearGradients()
            }
            #expect(total[29] < 0.8 * total[0], "\(total)")
            // The same blocks as plain numbers: the same loss.
            _ = try ModelConversion(out + "/q4.gguf", .f32).write(to: out + "/plain")
            let plain = try ModelFolder.open(out + "/plain").transformer(training: plan, store)
            let (a, b) = (step(model, nil).floats, step(plain, nil).floats)
            #expect(Self.far(a, b) <= 1e-4 * Self.largest(a))
        }
    }

    @Test func targetsFollowTheirRules() throws {
        let spec = try randomSpec(), family = try #require(Families.named("llama"))
        func names(_ change: (inout AdapterConfig) -> Void) throws -> [String] {
            var config = AdapterConfig(rank: 4, alpha: 8)
            change(&config)
            return try AdapterPlan(config, family, spec).modules.map(\.name)
        }
        #expect(try names { _ in }.count == 3 * 7)
        #expect(try names { $0.targets = .names(["q_proj"]) }.count == 3)
        #expect(try names { $0.targets = .names(["q_proj", "model.layers.2.mlp.up_proj"]) }.count == 4)
        #expect(try names { $0.targets = .names(["v_proj"]); $0.layers = [1] } == ["model.layers.1.self_attn.v_proj"])
        #expect(try names { $0.targets = .pattern(#".*layers\.(0|2)\..*_proj"#) }.count == 14)
        #expect(try names { $0.excluded = .names(["down_proj"]) }.count == 18)
        #expect(try names { $0.targets = .names(["lm_head"]) } == ["lm_head"])
        let error = #expect(throws: FileError.self) { try names { $0.targets = .names(["query"]) } }
        #expect(error?.expected?.contains("q_proj") == true && error?.found == "query")
        #expect(throws: FileError.self) { try names { $0.targets = .names(["q_proj", "embed_tokens"]) } }
        #expect(throws: FileError.self) { try names { $0.targets = .pattern("(") } }
        #expect(throws: FileError.self) { try names { $0.rank = 0 } }
        #expect(throws: FileError.self) { try names { $0.savedModules = ["no_such"] } }
        // By the ends of names, and with a module what is in it.
        #expect(throws: Never.self) { try names { $0.savedModules = ["norm", "input_layernorm"] } }
        #expect(throws: Never.self) { try names { $0.targets = .names(["q_proj"]); $0.savedModules = ["mlp"] } }
        let plan = try AdapterPlan(AdapterConfig(rank: 4, alpha: 8, targets: .names(["q_proj", "v_proj"])), family, spec)
        #expect(plan.trainableCount == 3 * (4 * (32 + 32) + 4 * (32 + 16)))
        #expect(plan.summary.hasPrefix("trainable params: 1,344 || all params: ") && plan.summary.contains(" || trainable%: "))
    }

    private func randomSpec() throws -> TransformerSpec { try randomModel().spec }

    @Test func configurationsAreReadOrRefused() throws {
        let good: JSONObject = ["peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "megatron_core": "megatron.core", "loftq_config": [:]]
        func read(_ change: JSONObject) throws -> AdapterConfig {
            var json = good
            for (key, value) in change { json[key] = value }
            return try AdapterConfig(.object(json), path: "adapter_config.json")
        }
        #expect(try read([:]).rank == 4)
        #expect(try read(["target_modules": "all-linear"]).targets == .allLinear)
        #expect(try read(["use_rslora": true, "rank_pattern": ["q_proj": 2]]).scaling == .rankStabilized)
        let bad: [(String, JSON)] = [
            ("peft_type", "IA3"), ("r", "four"), ("r", -1), ("lora_dropout", 1.5), ("target_modules", .null), ("target_modules", [1]), ("bias", "some"),
            ("layer_replication", [[0, 2]]), ("init_lora_weights", "pissa"), ("lora_bias", true), ("trainable_token_indices", [1]), ("use_qalora", true),
            ("target_parameters", ["experts"]), ("a_new_setting", "on"), ("rank_pattern", ["q_proj": "two"]), ("alpha_pattern", [1]),
        ]
        for (field, value) in bad {
            let error = #expect(throws: FileError.self) { try read([field: value]) }
            #expect(error?.field?.hasPrefix(field) == true, "\(field): \(error.map { "\($0)" } ?? "nothing")")
        }
        let config = try read(["rank_pattern": ["q_proj": 2], "alpha_pattern": ["q_proj": 3.5], "layers_to_transform": 1, "modules_to_save": ["score"]])
        #expect(try AdapterConfig(config.json(modules: [], turned: false), path: "") == config)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func otherBasesAndHalvesAreRefused() throws {
        let folder = try Self.base("llama"), adapter = try Adapter.open(Self.place("llama-lora"), for: folder)
        try withFolder { out in
            // The wrong width.
            #expect(throws: FileError.self) { try Adapter.open(Self.place("llama-lora"), for: try ModelFolder.open(Shared.path("data/weights/stories260K-hf"))) }
            #expect(throws: FileError.self) { try Adapter.open(Self.place("gpt2-lora"), for: folder) }
            #expect(throws: FileError.self) { try Adapter.open(out, for: folder) }
            // A tensor too few, a tensor too many.
            let file = try SafetensorsFile.open(Self.place("llama-lora") + "/adapter_model.safetensors")
            let config = try readFile(Self.place("llama-lora") + "/adapter_config.json")
            for change in ["fewer", "more"] {
                let place = out + "/" + change
                try Folder.create(place)
                try AtomicFile.write(place + "/adapter_config.json", String(decoding: config, as: UTF8.self))
                var items = try file.names.map { SafetensorsWriter.Item($0, floats: try file.floats(file.require($0)), try file.require($0).shape) }
                if change == "fewer" { items.removeLast() } else { items.append(SafetensorsWriter.Item("base_model.model.what.weight", floats: [1], [1])) }
                try SafetensorsWriter.write(place + "/adapter_model.safetensors", items)
                #expect(throws: FileError.self) { try Adapter.open(place, for: folder) }
            }
            // The same shapes, other numbers.
            try adapter.write(folder: out + "/noted", base: folder)
            let store = ParameterStore(folder.spec.parameters, gradients: false)
            store.initialize(seed: 8)
            let names = store.entries.indices.map { (store.entries[$0].name, store.master($0)) }
            try ModelExport(folder.spec, family: folder.family, card: ModelCard(title: "other", summary: "", facts: [])).write(
                Dictionary(uniqueKeysWithValues: names), into: out + "/other")
            let other = try ModelFolder.open(out + "/other")
            let error = #expect(throws: FileError.self) { try Adapter.open(out + "/noted", for: other) }
            #expect(error?.what.contains("another base") == true)
            // Two with magnitudes do not stand together.
            let dora = try Adapter.open(Self.place("llama-dora"), for: folder)
            #expect(throws: FileError.self) { try folder.adapted(by: [(dora, 1), (dora, 1)]).transformer() }
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func theFolderOfAnAdapterIsAModel() throws {
        let folder = try Self.base("llama"), expected = try Expected("llama-lora")
        try withFolder { out in
            var config = try Adapter.open(Self.place("llama-lora"), for: folder).config
            config.baseModel = folder.path
            let plan = try AdapterPlan(config, for: folder), store = ParameterStore(plan.parameters)
            try Adapter.open(Self.place("llama-lora"), for: folder).load(into: store)
            try Adapter(plan, store).write(folder: out + "/adapter", base: folder)
            let model = try ModelFolder.open(out + "/adapter").transformer()
            #expect(Self.far(logits(model, expected.ids), expected.logits) <= 1e-4 * Self.largest(expected.logits))
            // Its base is a name alone, or itself.
            for name in ["no/such-base", "."] {
                config.baseModel = name
                try Adapter(try AdapterPlan(config, for: folder), store).write(folder: out + "/lost")
                let error = #expect(throws: FileError.self) { try ModelFolder.open(out + "/lost") }
                #expect(error?.field == "base_model_name_or_path" && error?.hint?.contains("--lora") == true)
            }
        }
    }

    @Test func choicesAreRead() {
        #expect(AdapterChoice(parsing: "a/b") == AdapterChoice("a/b"))
        #expect(AdapterChoice(parsing: "a/b=0.5") == AdapterChoice("a/b", weight: 0.5))
        #expect(AdapterChoice(parsing: "a=b") == AdapterChoice("a=b"))
        #expect(AdapterChoice(parsing: "a=b=-2") == AdapterChoice("a=b", weight: -2))
    }
}
