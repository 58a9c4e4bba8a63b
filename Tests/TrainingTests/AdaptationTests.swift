import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTokenizers
import QuintetTraining
import Testing

/// Whole adaptations of the tiny model.
@Suite(.serialized) struct AdaptationTests {
    static func settings(_ steps: Int = 30) -> AdaptSettings {
        var settings = AdaptSettings()
        settings.steps = steps
        settings.learningRate = 1e-2
        settings.evalEvery = 5
        return settings
    }

    /// Runs `body` with a scratch folder, the model in it, and a file of rows.
    static func with(_ rows: String, name: String = "rows.jsonl", template: String? = nil, _ body: (_ folder: String, _ model: String, _ data: String) throws -> Void) throws {
        try withScratch { folder in
            let data = Folder.join(folder, name)
            try AtomicFile.write(data, rows)
            try body(folder, try TinyModel.make(in: folder, template: template), data)
        }
    }

    final class Watcher: TrainingObserver {
        var losses: [Double] = []
        func evaluated(_ record: EvaluationRecord) { losses.append(record.loss) }
    }

    @Test func learnsAndPublishesWhatItTrained() throws {
        try Self.with(TinyModel.rows(120)) { folder, model, data in
            let into = Folder.join(folder, "out"), watcher = Watcher()
            let adaptation = try Adaptation(model: model, data: data, into: into, settings: Self.settings())
            #expect(adaptation.trainableLine.hasPrefix("trainable params: 1,"))
            #expect(adaptation.trainableLine.hasSuffix("trainable%: 100.0000"))
            let outcome = try adaptation.run([watcher, RunRecorder()])
            #expect(outcome.trained.end == .finished)
            #expect(watcher.losses.count == 7, "before, and every five steps")
            #expect(watcher.losses.last ?? 9 < 0.7 * watcher.losses[0])
            #expect(outcome.gate?.passed == true)
            let gate = try JSON.read(Folder.join(into, "gate.json"))
            #expect(gate["passed"]?.bool == true && gate["max_difference"]?.double ?? 1 <= 1e-3 && gate["first_difference"]?.isNull == true)
            let names = try Folder.names(in: into)
            for name in ["config.json", "model.safetensors", "tokenizer.json", "README.md", "metrics.jsonl", "report.html", "gate.json", "run.yaml"] {
                #expect(names.contains(name), "\(name) is missing")
            }
            #expect(!names.contains { $0.hasPrefix(".tmp") })
            let text = try TextGenerator.open(into).generate("w5 w6", options: GenerationOptions(maxTokens: 4))
            #expect(text.ids.count > 0)
            let card = String(decoding: try readFile(Folder.join(into, "README.md")), as: UTF8.self)
            for part in ["base_model: model", "## Scores", "## Lineage", "## Data", "sha256"] { #expect(card.contains(part), "the card lacks \(part)") }
        }
    }

    @Test func aResultThatDiffersIsNotPublished() throws {
        try Self.with(TinyModel.rows(40)) { folder, model, data in
            let into = Folder.join(folder, "out")
            var settings = Self.settings(5)
            settings.dtype = .bf16
            settings.gateBound = 1e-7
            let error = thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: into, settings: settings).run() }
            guard case .gateFailed(_, let cause, _) = error else { return #expect(Bool(false), "\(String(describing: error))") }
            #expect(cause.contains("precision"))
            let names = try Folder.names(in: into)
            #expect(!names.contains("model.safetensors") && !names.contains("config.json") && names.contains("checkpoints"))
            #expect(try JSON.read(Folder.join(into, "gate.json"))["passed"]?.bool == false)
            settings.skipsGate = true
            _ = try Adaptation(model: model, data: data, into: into, settings: settings, resume: true).run()
            #expect(try Folder.names(in: into).contains("model.safetensors"))
            #expect(String(decoding: try readFile(Folder.join(into, "README.md")), as: UTF8.self).contains("--skip-gate"))
        }
    }

    @Test func theGateNamesTheTemplate() throws {
        try withScratch { folder in
            let model = try TinyModel.make(in: folder, template: TinyModel.template)
            let side = EquivalenceGate.Side(try ModelFolder.open(model).transformer())
            let trained = try TextEncoderTests.encoder(template: TinyModel.template)
            let talk = TextEncoderTests.talk("w5", "w6")
            let given = try trained.chat.ids(.init(messages: [Conversation.message("user", "w5")], addsGenerationPrompt: true))
            let gate = EquivalenceGate([.init(ids: try trained.encode(talk)[0].ids, given: given, example: talk)])
            #expect(try gate.compare(side, side, name: "same", bounds: .exact, encoder: trained).cause == nil)
            let other = try TextEncoderTests.encoder(template: TinyModel.template.replacing("w30", with: "w29"))
            let wrong = try gate.compare(side, side, name: "other", bounds: .exact, encoder: other)
            #expect(wrong.cause?.hasPrefix("template") == true && wrong.promptApart == 0 && wrong.maxDifference == 0)
        }
    }

    @Test(arguments: [false, true]) func resumedRunsHaveTheSameBits(packs: Bool) throws {
        try Self.with(TinyModel.rows(40)) { folder, model, data in
            var settings = Self.settings(12)
            settings.packs = packs
            settings.saveEvery = 4
            settings.keepLast = 10
            let whole = Folder.join(folder, "whole"), halves = Folder.join(folder, "halves")
            _ = try Adaptation(model: model, data: data, into: whole, settings: settings).run([RunRecorder()])
            _ = try Adaptation(model: model, data: data, into: halves, settings: settings).run([RunRecorder()])
            for step in try Folder.names(in: Folder.join(halves, "checkpoints")) where Int(step) ?? 0 > 4 { try Folder.remove(Folder.join(halves, "checkpoints/\(step)")) }
            try Folder.remove(Folder.join(halves, "gate.json"))
            _ = try Adaptation(model: model, data: data, into: halves, settings: settings, resume: true).run([RunRecorder()])
            for name in ["model.safetensors", "checkpoints/12/optimizer.safetensors", "checkpoints/12/model.safetensors", "README.md"] {
                #expect(try readFile(Folder.join(whole, name)) == readFile(Folder.join(halves, name)), "\(name)")
            }
            var other = settings
            other.learningRate = 2e-2
            #expect(thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: halves, settings: other, resume: true) }?.description.contains("learning_rate") == true)
            #expect(thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: halves, settings: settings) }?.description.contains("--resume") == true)
            // Texts would be written in another way from here on.
            try AtomicFile.write(Folder.join(model, "chat_template.jinja"), TinyModel.template)
            #expect(thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: halves, settings: settings, resume: true) }?.description.contains("template") == true)
        }
    }

    @Test func aResultThatIsNoBetterSaysSo() throws {
        try Self.with(TinyModel.rows(60)) { folder, model, data in
            var settings = Self.settings(10)
            // Less than any weight's last bit.
            settings.learningRate = 1e-20
            let into = Folder.join(folder, "out"), outcome = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            #expect(outcome.isBetter == false && outcome.json(run: into)["improved"] == false)
            #expect(outcome.startLoss == outcome.best?.loss)
            #expect(String(decoding: try readFile(Folder.join(into, "README.md")), as: UTF8.self).contains("No evaluation was better than before"))
            settings.learningRate = 1e-2
            let better = try Adaptation(model: model, data: data, into: into + "-2", settings: settings).run()
            #expect(better.isBetter == true)
            #expect(String(decoding: try readFile(Folder.join(into + "-2", "README.md")), as: UTF8.self).contains(" before, "))
        }
    }

    @Test func preferencesMoveApart() throws {
        let rows = (0..<60).map { #"{"prompt": "w\#(3 + $0 % 20) w5", "chosen": " w6 w7", "rejected": " w8 w9"}"# + "\n" }.joined()
        try Self.with(rows) { folder, model, data in
            var settings = Self.settings(20)
            settings.learningRate = 3e-3
            let outcome = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).run()
            #expect(outcome.best?.loss ?? 1 < 0.5)
            #expect(outcome.best?.scores.first { $0.name == "rewards/accuracies" }?.value == 1)
        }
    }

    @Test(arguments: [AdaptSettings.Method.full, .head]) func headsNameTexts(method: AdaptSettings.Method) throws {
        let rows = "text,label\n" + (0..<80).map { "w\(3 + $0 % 20) w5 w\($0 % 2 == 0 ? 10 : 25),\($0 % 2 == 0 ? "even" : "odd")\n" }.joined()
        try Self.with(rows, name: "rows.csv") { folder, model, data in
            var settings = Self.settings(60)
            settings.method = method
            settings.learningRate = 3e-2
            let into = Folder.join(folder, "out")
            let outcome = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            #expect(outcome.gate?.passed == true)
            #expect(outcome.best?.scores.first { $0.name == "accuracy" }?.value == 1)
            let config = try JSON.read(Folder.join(into, "config.json"))
            #expect(config["architectures"]?[0] == "LlamaForSequenceClassification" && config["id2label"]?["1"] == "odd")
            #expect(try ModelFolder.open(into).scoring()?.score.labels == ["even", "odd"])
        }
    }

    @Test func badInputIsRefusedBeforeAnythingIsWritten() throws {
        try Self.with(TinyModel.rows(10)) { folder, model, data in
            let into = Folder.join(folder, "out")
            func refused(_ change: (inout AdaptSettings) -> Void, data other: String? = nil) -> String {
                var settings = Self.settings(2)
                change(&settings)
                do { _ = try Adaptation(model: model, data: other ?? data, into: into, settings: settings) } catch { return "\(error)" }
                return ""
            }
            #expect(refused { $0.batch = 0 }.contains("batch"))
            #expect(refused { $0.maxLength = 4096 }.contains("context"))
            #expect(refused { $0.objective = "grpo" }.contains("one of"))
            #expect(refused { $0.objective = "dpo" }.contains("does not take prompt-completion rows"))
            #expect(refused { $0.method = .head }.contains("labels"))
            #expect(refused { $0.pooling = .mean }.contains("pooling") && refused { $0.exportType = "q4_0" }.contains("--export"))
            #expect(refused { $0.rank = 100_000 }.contains("65536"))
            let labels = Folder.join(folder, "l.csv")
            try AtomicFile.write(labels, "text,label\nw5,a\nw6,a\nw7,a\n")
            #expect(refused({ $0.method = .head }, data: labels).contains("same label"))
            #expect(!Folder.exists(into))
            #expect(thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: model, settings: Self.settings()) } != nil)
        }
    }

    @Test func whatCannotBeLearnedIsCountedWithItsPlace() throws {
        // The template of this model wants a user first.
        let template = "{% if messages[0].role != 'user' %}{{ raise_exception('a user has to begin') }}{% endif %}" + TinyModel.template
        func talk(_ roles: String...) -> String {
            "{\"messages\": [" + roles.map { "{\"role\": \"\($0)\", \"content\": \"w5 w6\"}" }.joined(separator: ", ") + "]}\n"
        }
        let long = (0..<80).map { "w\(3 + $0 % 30)" }.joined(separator: " ")
        let rows = [
            talk("user", "assistant"), talk("assistant", "user"), talk("user", "assistant"), talk("user"), #"{"messages": [{"role": "user"}]}"# + "\n",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"\(long)\"}, {\"role\": \"assistant\", \"content\": \"w5\"}]}\n",
            "{\"messages\": [{\"role\": \"user\", \"content\": \"w5\"}, {\"role\": \"assistant\", \"content\": \"\(long)\"}]}\n",
        ]
        try Self.with(rows.joined(), template: template) { _, model, data in
            let input = try AdaptInput(model: model, data: data, validation: data, settings: Self.settings())
            let reasons = Dictionary(input.skipped.map { ($0.position.number, $0.reason) }, uniquingKeysWith: { first, _ in first })
            #expect(reasons.keys.sorted() == [2, 4, 5, 6], "\(reasons)")
            #expect(reasons[2]?.contains("a user has to begin") == true && reasons[4]?.contains("says nothing") == true)
            #expect(reasons[5]?.contains("no content") == true && reasons[6]?.contains("past the 64 tokens") == true)
            let lengths = LengthStatistics(input.train)
            #expect(lengths.samples == 3 && lengths.cut == 1 && lengths.tokensLost > 0)
            #expect(input.lines.contains { $0.contains("cut to fit") } && input.lines.contains { $0.contains("skipped") && $0.contains("line 2") })
            // Where every row is so, nothing begins.
            try AtomicFile.write(data, talk("user") + talk("user"))
            let error = thrown(FileError.self) { _ = try AdaptInput(model: model, data: data, settings: Self.settings()) }
            #expect(error?.what.contains("none of the") == true && error?.found?.contains("line") == true)
        }
    }

    /// What the template refuses is not held out: it would measure nothing.
    @Test func heldOutRowsCanBeMeasured() throws {
        let template = "{% if messages[0].role != 'user' %}{{ raise_exception('a user has to begin') }}{% endif %}" + TinyModel.template
        let rows = (0..<40).map { row in
            let roles = row % 10 == 0 ? ["user", "assistant"] : ["assistant", "user"]
            return "{\"messages\": [" + roles.map { "{\"role\": \"\($0)\", \"content\": \"w5 w\(6 + row / 2)\"}" }.joined(separator: ", ") + "]}\n"
        }
        try Self.with(rows.joined(), template: template) { _, model, data in
            for seed in 0..<6 {
                var settings = Self.settings()
                settings.seed = seed
                let input = try AdaptInput(model: model, data: data, settings: settings)
                #expect(input.validation.count == 1 && input.train.count == 3 && input.skipped.count == 36)
                #expect(input.data.heldOut.hasPrefix("1 of the 4 rows"), "\(input.data.heldOut)")
            }
        }
    }

    @Test func whatLiesInAFolderStaysThere() throws {
        try Self.with(TinyModel.rows(10)) { folder, model, data in
            let into = Folder.join(folder, "notes"), note = Folder.join(into, "thoughts.txt")
            try Folder.create(into)
            try AtomicFile.write(note, "mine")
            let error = thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: into, settings: Self.settings()) }
            #expect(error?.description.contains("thoughts.txt") == true)
            #expect(try Folder.names(in: into) == ["thoughts.txt"] && readFile(note) == Array("mine".utf8))
            var settings = Self.settings()
            settings.export = into
            #expect(thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings) }?.description.contains("there already") == true)
            settings.export = Folder.join(folder, "new.gguf")
            settings.exportType = "q9"
            #expect(thrown(TrainingError.self) { _ = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings) }?.description.contains("quantize") == true)
            #expect(!Folder.exists(Folder.join(folder, "out")))
        }
    }

    @Test func testPairsAreScored() throws {
        try withScratch { folder in
            let model = try TinyModel.make(in: folder), data = Folder.join(folder, "data")
            try Folder.create(data)
            for (name, count) in [("train", 40), ("valid", 8), ("test", 12)] {
                let rows = (0..<count).map { #"{"prompt": "w\#(3 + $0 % 20) w5", "chosen": " w6 w7", "rejected": " w8 w9"}"# + "\n" }.joined()
                try AtomicFile.write(Folder.join(data, "\(name).jsonl"), rows)
            }
            var settings = Self.settings(20)
            settings.learningRate = 3e-3
            let outcome = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).run()
            #expect(outcome.best?.scores.first { $0.name == "rewards/accuracies" }?.value == 1)
            #expect(String(decoding: try readFile(Folder.join(folder, "out/README.md")), as: UTF8.self).contains("On the test rows"))
        }
    }

    @Test func labelsThatTrainingLacksAreCounted() throws {
        try withScratch { folder in
            let model = try TinyModel.make(in: folder), rows = Folder.join(folder, "train.csv"), held = Folder.join(folder, "held.csv")
            try AtomicFile.write(rows, "text,label\nw5,a\nw6,b\nw7,a\n")
            try AtomicFile.write(held, "text,label\nw5,a\nw6,c\n")
            let input = try AdaptInput(model: model, data: rows, validation: held, settings: AdaptSettings())
            #expect(input.validation.count == 1 && input.skipped.count == 1)
            #expect(input.skipped[0].reason.contains("\"c\"") && input.skipped[0].position.number == 3)
            try AtomicFile.write(held, "text,label\nw5,d\nw6,c\n")
            let error = thrown(FileError.self) { _ = try AdaptInput(model: model, data: rows, validation: held, settings: AdaptSettings()) }
            #expect(error?.what.contains("none of the 2 held-out rows") == true)
        }
    }

    @Test func theMemoryPlanAdvises() throws {
        try Self.with(TinyModel.rows(10)) { folder, model, data in
            var plan = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: Self.settings(1)).memory
            #expect(plan.needed > 0 && plan.needed < 128 << 20 && plan.available > 1 << 20)
            plan.available = plan.needed - 1
            let error = thrown(TrainingError.self) { try plan.check(["--recompute block"]) }
            #expect(error?.description.contains("free") == true && error?.description.contains("Try") == true)
        }
    }
}
