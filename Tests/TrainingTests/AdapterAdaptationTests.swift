import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTraining
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Adaptations whose result is an adapter.
@Suite(.serialized) struct AdapterAdaptationTests {
    static func settings(_ method: AdaptSettings.Method, steps: Int = 30) -> AdaptSettings {
        var settings = AdaptationTests.settings(steps)
        settings.method = method
        settings.rank = 4
        settings.learningRate = 2e-2
        return settings
    }

    @Test(arguments: [AdaptSettings.Method.lora, .dora]) func learnsBesideAFrozenBase(method: AdaptSettings.Method) throws {
        try AdaptationTests.with(TinyModel.rows(120)) { folder, model, data in
            let into = Folder.join(folder, "out"), merged = Folder.join(folder, "merged"), watcher = AdaptationTests.Watcher()
            var settings = Self.settings(method)
            settings.export = merged
            let adaptation = try Adaptation(model: model, data: data, into: into, settings: settings)
            #expect(!adaptation.trainableLine.contains("100.0000"))
            let outcome = try adaptation.run([watcher, RunRecorder()])
            #expect(watcher.losses.last ?? 9 < 0.95 * watcher.losses[0])
            #expect(outcome.gate?.passed == true && outcome.gate?.comparisons.count == 2)
            let page = String(decoding: try readFile(Folder.join(into, "report.html")), as: UTF8.self)
            #expect(page.contains("with the lowest held-out loss") && page.contains("Equivalence gate") && page.contains("passed: "))
            let names = try Folder.names(in: into)
            #expect(names.contains("adapter_config.json") && names.contains("adapter_model.safetensors") && !names.contains("model.safetensors"))
            let config = try JSON.read(Folder.join(into, "adapter_config.json"))
            #expect(config["peft_type"] == "LORA" && config["r"]?.int == 4 && config["use_dora"]?.bool == (method == .dora))
            let beside = try ModelFolder.open(model).adapted(by: [AdapterChoice(into)]).transformer()
            let difference = try EquivalenceGate([.init(ids: [1, 5, 6, 7], given: [1, 5], example: .text("w5"))]).compare(
                .init(beside), .init(try ModelFolder.open(merged).transformer()), name: "merged", bounds: .exact, encoder: nil)
            #expect(difference.passed)
        }
    }

    @Test func resumedAdaptersHaveTheSameBits() throws {
        try AdaptationTests.with(TinyModel.rows(40)) { folder, model, data in
            var settings = Self.settings(.lora, steps: 12)
            settings.adapterDropout = 0.1
            settings.saveEvery = 4
            settings.keepLast = 10
            let whole = Folder.join(folder, "whole"), halves = Folder.join(folder, "halves")
            for into in [whole, halves] { _ = try Adaptation(model: model, data: data, into: into, settings: settings).run([RunRecorder()]) }
            for step in try Folder.names(in: Folder.join(halves, "checkpoints")) where Int(step) ?? 0 > 4 { try Folder.remove(Folder.join(halves, "checkpoints/\(step)")) }
            try Folder.remove(Folder.join(halves, "gate.json"))
            _ = try Adaptation(model: model, data: data, into: halves, settings: settings, resume: true).run([RunRecorder()])
            for name in ["adapter_model.safetensors", "checkpoints/12/optimizer.safetensors"] {
                #expect(try readFile(Folder.join(whole, name)) == readFile(Folder.join(halves, name)), "\(name)")
            }
        }
    }

    /// Frozen weights are read where they lie, by all threads: a file that is cut short meanwhile ends the run with an error, not with its zeros or a signal.
    @Test func aBaseThatIsCutShort() throws {
        try withScratch { folder in
            let model = try TinyModel.drawn(in: folder, width: 64), data = Folder.join(folder, "rows.jsonl"), into = Folder.join(folder, "out")
            try AtomicFile.write(data, TinyModel.rows(40))
            let adaptation = try Adaptation(model: model, data: data, into: into, settings: Self.settings(.lora, steps: 6))
            #expect(truncate(Folder.join(model, "model.safetensors"), 5000) == 0)
            let error = thrown(FileError.self) { _ = try adaptation.run() }
            #expect(error?.description.contains("cut short") == true, "\(error.map { "\($0)" } ?? "nothing")")
            #expect(!Folder.exists(Folder.join(into, "adapter_config.json")))
        }
    }

    @Test func aScoringLayerTravelsWithTheAdapter() throws {
        let rows = "text,label\n" + (0..<80).map { "w\(3 + $0 % 20) w5 w\($0 % 2 == 0 ? 10 : 25),\($0 % 2 == 0 ? "even" : "odd")\n" }.joined()
        try AdaptationTests.with(rows, name: "rows.csv") { folder, model, data in
            let into = Folder.join(folder, "out")
            let outcome = try Adaptation(model: model, data: data, into: into, settings: Self.settings(.lora, steps: 60)).run()
            #expect(outcome.gate?.passed == true)
            #expect(outcome.best?.scores.first { $0.name == "accuracy" }?.value == 1)
            #expect(try JSON.read(Folder.join(into, "adapter_config.json"))["task_type"] == "SEQ_CLS")
            #expect(try Adapter.open(into, for: ModelFolder.open(model)).extras.map(\.name) == ["score.weight"])
        }
    }

    @Test func qloraNeedsAQuantizedBase() throws {
        try AdaptationTests.with(TinyModel.rows(40)) { folder, model, data in
            let error = thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: Self.settings(.qlora, steps: 2)) }
            #expect(error?.description.contains("quintet convert") == true)
        }
    }

    @Test(arguments: [(GGUFQuantization.q8_0, 64), (.q4_0, 64), (.q4_k_m, 256)]) func learnsBesideABaseInBlocks(type: GGUFQuantization, width: Int) throws {
        try withScratch { folder in
            let model = try TinyModel.drawn(in: folder, width: width), base = Folder.join(folder, "base.gguf"), data = Folder.join(folder, "rows.jsonl")
            try AtomicFile.write(data, TinyModel.rows(120))
            _ = try ModelConversion(model, type).write(to: base)
            let before = try sha256(file: base), into = Folder.join(folder, "out"), watcher = AdaptationTests.Watcher()
            var settings = Self.settings(.qlora)
            settings.learningRate = nil
            settings.export = Folder.join(folder, "merged.gguf")
            settings.exportType = "q8_0"
            let outcome = try Adaptation(model: base, data: data, into: into, settings: settings).run([watcher])
            #expect(watcher.losses.last ?? 9 < 0.95 * watcher.losses[0], "\(watcher.losses)")
            #expect(outcome.gate?.passed == true && outcome.gate?.comparisons.count == 2)
            #expect(try sha256(file: base) == before, "the base stays as it is")
            let text = try TextGenerator.open(into).generate("w5 w6", options: GenerationOptions(maxTokens: 4))
            #expect(!text.ids.isEmpty, "the adapter opens with its base")
        }
    }

    @Test func headsAndEmbeddingsAreAdaptedOrSaidNotToBe() throws {
        try AdaptationTests.with(TinyModel.rows(60)) { folder, model, data in
            func line(_ change: (inout AdaptSettings) -> Void) throws -> String {
                var settings = Self.settings(.lora, steps: 2)
                settings.rank = 2
                settings.targets = ["q_proj"]
                change(&settings)
                return try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).trainableLine
            }
            // Two layers: q 8 -> 8 at rank 2; the head 8 -> 40; the table whole.
            #expect(try line { _ in }.hasPrefix("trainable params: 64 "))
            #expect(try line { $0.targets = ["q_proj", "lm_head"] }.hasPrefix("trainable params: 160 "))
            #expect(try line { $0.savedModules = ["embed_tokens"] }.hasPrefix("trainable params: 384 "))
            let embedding = thrown(FileError.self) { _ = try line { $0.targets = ["embed_tokens"] } }
            #expect(embedding?.description.contains("modules_to_save") == true)
            let unknown = thrown(FileError.self) { _ = try line { $0.savedModules = ["emb_tok"] } }
            #expect(unknown?.description.contains("emb_tok") == true)
            let full = thrown(TrainingError.self) {
                _ = try line {
                    $0.method = .full
                    $0.savedModules = ["lm_head"]
                }
            }
            #expect(full?.description.contains("modules-to-save") == true)
            var settings = Self.settings(.lora)
            settings.savedModules = ["embed_tokens", "lm_head"]
            let outcome = try Adaptation(model: model, data: data, into: Folder.join(folder, "whole"), settings: settings).run()
            #expect(outcome.gate?.passed == true, "a head of its own beside a table of its own travels")
        }
    }

    @Test func wrongTargetsListWhatThereIs() throws {
        try AdaptationTests.with(TinyModel.rows(10)) { folder, model, data in
            var settings = Self.settings(.lora, steps: 2)
            settings.targets = ["query"]
            let error = thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings) }
            #expect(error?.expected?.contains("q_proj") == true)
            settings.targets = ["q_proj", "zz"]
            let one = thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings) }
            #expect(one?.found == "zz" && one?.expected?.contains("v_proj") == true)
            settings.targets = ["q_proj", "v_proj"]
            settings.rank = 2
            // Two layers: q 8 -> 8, v 8 -> 4, rank 2.
            let line = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).trainableLine
            #expect(line.hasPrefix("trainable params: 112 "), "\(line)")
        }
    }
}
