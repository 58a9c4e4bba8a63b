import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTraining
import Testing

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

    @Test func quantizedBasesStayQuantized() throws {
        try withScratch { folder in
            // Rows of the tiny model are no whole blocks; a wider one of the same family is drawn.
            let model = try TinyModel.make(in: folder), data = Folder.join(folder, "rows.jsonl")
            try AtomicFile.write(data, TinyModel.rows(40))
            let error = thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: Self.settings(.qlora, steps: 2)) }
            #expect(error?.description.contains("quintet convert") == true)
        }
    }

    @Test func wrongTargetsListWhatThereIs() throws {
        try AdaptationTests.with(TinyModel.rows(10)) { folder, model, data in
            var settings = Self.settings(.lora, steps: 2)
            settings.targets = ["query"]
            let error = thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings) }
            #expect(error?.expected?.contains("q_proj") == true)
            settings.targets = ["q_proj", "v_proj"]
            settings.rank = 2
            // Two layers: q 8 -> 8, v 8 -> 4, rank 2.
            let line = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).trainableLine
            #expect(line.hasPrefix("trainable params: 112 "), "\(line)")
        }
    }
}
