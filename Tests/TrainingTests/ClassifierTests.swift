import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTraining
import Testing

/// Finished classifiers, used.
@Suite(.serialized) struct ClassifierTests {
    static let rows = "number,question,kind\n" + (0..<80).map { "\($0),w\(3 + $0 % 20) w5 w\($0 % 2 == 0 ? 10 : 25),\($0 % 2 == 0 ? "even" : "odd, \"so\"".quoted)\n" }.joined()

    static func settings(_ method: AdaptSettings.Method, pooling: ScoreShape.Pooling = .last) -> AdaptSettings {
        var settings = AdapterAdaptationTests.settings(method, steps: 60)
        settings.learningRate = 3e-2
        settings.pooling = pooling
        settings.fields = FieldNames(text: "question", label: "kind")
        return settings
    }

    @Test(arguments: [(AdaptSettings.Method.full, ScoreShape.Pooling.last), (.head, .mean), (.lora, .last), (.lora, .mean)])
    func namesTexts(method: AdaptSettings.Method, pooling: ScoreShape.Pooling) throws {
        try AdaptationTests.with(Self.rows, name: "rows.csv") { folder, model, data in
            let into = Folder.join(folder, "out")
            _ = try Adaptation(model: model, data: data, into: into, settings: Self.settings(method, pooling: pooling)).run()
            let classifier = try Classifier.open(into)
            #expect(classifier.labels == ["even", "odd, \"so\""])
            let answers = try classifier.classify(["w7 w5 w10", "w8 w5 w25"])
            #expect(answers.map(\.label) == ["even", "odd, \"so\""] && answers.allSatisfy { $0.probability > 0.5 })
            #expect(try classifier.classify(["w8 w5 w25"]) == [answers[1]], "the same alone and beside others")
            #expect(throws: OptionError.self) { try classifier.tag([["w5"]]) }
            // Rows in, rows out: what was there stays, and what is written can be read as it was.
            let scored = try PredictionRun(classifier, fields: FieldNames(text: "question", label: "kind")).rows(of: data)
            #expect(scored.accuracy?.share ?? 0 > (method == .head ? 0.6 : 0.95) && scored.accuracy?.count == 80)
            for name in ["out.csv", "out.tsv", "out.jsonl"] {
                let out = Folder.join(folder, name)
                try scored.write(out)
                let again = try AdaptData.read(out, fields: FieldNames(text: "question", label: "predicted"))
                #expect(again.train.count + again.validation.count == 80 && again.format == "labelled text")
                let kinds = Set((again.train + again.validation).map { if case .labelled(_, let label) = $0.example { label.string ?? "" } else { "" } })
                #expect(kinds == ["even", "odd, \"so\""], "\(name)")
            }
        }
    }

    /// Codes keep their zeros and signs, and go by their numbers.
    @Test func labelsStayAsTheyAreWritten() throws {
        let rows = "text,label\n" + (0..<40).map { "w\(3 + $0 % 20) w5,\(["+10", "01", "9", "-1"][$0 % 4])\n" }.joined()
        try AdaptationTests.with(rows, name: "rows.csv") { folder, model, data in
            var settings = Self.settings(.head)
            (settings.steps, settings.fields) = (2, FieldNames())
            let into = Folder.join(folder, "out")
            _ = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            #expect(try Classifier.open(into).labels == ["-1", "01", "9", "+10"])
        }
    }

    @Test(arguments: [AdaptSettings.Method.full, .lora]) func namesWords(method: AdaptSettings.Method) throws {
        let rows = (0..<60).map { #"{"tokens": ["w\#(3 + $0 % 20)", "w25", "w\#(4 + $0 % 20)"], "tags": ["O", "B", "O"]}"# + "\n" }.joined()
        try AdaptationTests.with(rows) { folder, model, data in
            let into = Folder.join(folder, "out")
            var settings = Self.settings(method)
            settings.fields = FieldNames()
            _ = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            let run = PredictionRun(try Classifier.open(into))
            #expect(try run.rows(["w9 w25 w10"]).lines == ["w9/O w25/B w10/O"])
            #expect(try run.rows(of: data).accuracy?.share ?? 0 > 0.95)
        }
    }

    @Test func ratesTexts() throws {
        let rows = (0..<60).map { #"{"text": "w5 w\#($0 % 2 == 0 ? 10 : 25)", "label": \#($0 % 2 == 0 ? 0.25 : 0.75)}"# + "\n" }.joined()
        try AdaptationTests.with(rows) { folder, model, data in
            let into = Folder.join(folder, "out")
            var settings = Self.settings(.full)
            settings.fields = FieldNames()
            (settings.steps, settings.learningRate, settings.patience) = (150, 1e-2, 0)
            let outcome = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            #expect(outcome.best?.scores.contains { $0.name == "absolute_error" } == true)
            let scored = try PredictionRun(try Classifier.open(into)).rows(of: data)
            #expect(scored.absoluteError?.mean ?? 1 < 0.24 && scored.accuracy == nil)
        }
    }

    @Test func whatScoresIsNotGGUFAndWhatWritesDoesNotScore() throws {
        try AdaptationTests.with(Self.rows, name: "rows.csv") { folder, model, data in
            var settings = Self.settings(.head)
            settings.export = Folder.join(folder, "out.gguf")
            let into = Folder.join(folder, "out")
            let error = thrown(FileError.self) { _ = try Adaptation(model: model, data: data, into: into, settings: settings) }
            #expect(error?.description.contains("GGUF") == true && !Folder.exists(into), "refused before anything is trained")
            settings.export = nil
            settings.steps = 2
            _ = try Adaptation(model: model, data: data, into: into, settings: settings).run()
            let converted = thrown(FileError.self) { _ = try ModelConversion(into, .q8_0).write(to: Folder.join(folder, "c.gguf")) }
            #expect(converted?.description.contains("GGUF") == true)
            #expect(thrown(FileError.self) { _ = try Classifier.open(model) }?.description.contains("writes") == true)
            #expect(thrown(FileError.self) { _ = try TextGenerator.open(into) }?.hint?.contains("adapt predict") == true)
            let further = thrown(FileError.self) { _ = try Adaptation(model: into, data: data, into: Folder.join(folder, "more"), settings: settings) }
            #expect(further?.description.contains("adapted further") == true)
            // Another type is another folder that scores.
            _ = try ModelConversion(into, .f16).write(to: Folder.join(folder, "half"))
            #expect(try Classifier.open(Folder.join(folder, "half")).labels == Classifier.open(into).labels)
        }
    }

    @Test func anAdapterIsMergedWithItsLayer() throws {
        try AdaptationTests.with(Self.rows, name: "rows.csv") { folder, model, data in
            var settings = Self.settings(.lora)
            settings.export = Folder.join(folder, "merged")
            let outcome = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).run()
            #expect(outcome.gate?.passed == true && outcome.gate?.comparisons.count == 2)
            let texts = ["w7 w5 w10", "w8 w5 w25"]
            let both = try [Folder.join(folder, "out"), Folder.join(folder, "merged")].map { try Classifier.open($0).classify(texts) }
            for (a, b) in zip(both[0], both[1]) { #expect(a.label == b.label && abs(a.probability - b.probability) < 1e-4) }
        }
    }
}

extension String {
    /// As a field of a table.
    fileprivate var quoted: String { "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }
}
