import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTraining
import Testing

/// Faults planted in what was written, each of a kind that people have met: nothing is published, and the gate says what it was.
@Suite(.serialized) struct GateTests {
    /// A run whose result `plant` changes before the gate looks at it: the cause, where it is refused.
    static func refused(
        _ rows: String = TinyModel.rows(40), template: String? = nil, _ change: (inout AdaptSettings) -> Void = { _ in }, plant: @escaping (String) throws -> Void
    ) throws -> String? {
        var cause: String?
        try AdaptationTests.with(rows, template: template) { folder, model, data in
            var settings = AdaptationTests.settings(3)
            change(&settings)
            let into = Folder.join(folder, "out")
            func run(resume: Bool) throws {
                let adaptation = try Adaptation(model: model, data: data, into: into, settings: settings, resume: resume)
                adaptation.beforeGate = plant
                _ = try adaptation.run()
            }
            let error = thrown(TrainingError.self) { try run(resume: false) }
            if case .gateFailed(_, let found, _) = error { cause = found }
            let names = try Folder.names(in: into), gate = try JSON.read(Folder.join(into, "gate.json"))
            #expect(!names.contains("config.json") && !names.contains("model.safetensors") && !names.contains("README.md"), "nothing is published")
            #expect(gate["passed"]?.bool == false && gate["cause"]?.string == cause)
            // The same fault, asked for: published, and the card says that nobody has looked.
            settings.skipsGate = true
            try run(resume: true)
            #expect(String(decoding: try readFile(Folder.join(into, "README.md")), as: UTF8.self).contains("--skip-gate"))
            let skipped = try JSON.read(Folder.join(into, "gate.json"))
            #expect(skipped["skipped"]?.bool == true && ["passed", "max_difference", "kl", "first_difference", "bounds"].allSatisfy { skipped[$0]?.isNull == true })
        }
        return cause
    }

    static let talks = (0..<20).map { #"{"messages": [{"role": "user", "content": "w\#(3 + $0)"}, {"role": "assistant", "content": "w5 w6"}]}"# + "\n" }.joined()

    static func edit(_ path: String, _ change: (inout JSON) -> Void) throws {
        var json = try JSON.read(path)
        change(&json)
        try AtomicFile.write(path, json.serialized())
    }

    /// The weights in other numbers.
    static func rewrite(_ path: String, _ change: (_ name: String, [Float]) -> [Float], adding: ([SafetensorsWriter.Item]) -> [SafetensorsWriter.Item] = { $0 }) throws {
        let name = Folder.join(path, "model.safetensors"), file = try SafetensorsFile.open(name)
        let items = try file.tensors.map { SafetensorsWriter.Item($0.name, floats: change($0.name, try file.floats(file.require($0.name))), $0.shape) }
        try SafetensorsWriter.write(name, adding(items))
    }

    @Test func boundsAreThoseOfTheTypesWritten() {
        typealias Bounds = GateReport.Bounds
        #expect(Bounds.of(["Q4_K", "Q6_K", "F32"]) == .of("q4_k_m"))
        #expect(Bounds.of(["F16", "F32"]) == .of("f16"))
        #expect(Bounds.of(["F32"], choosesExperts: true) == .exact)
        let (plain, chosen) = (Bounds.of(["Q8_0", "F32"]), Bounds.of(["Q8_0", "F32"], choosesExperts: true))
        #expect(plain == .of("q8_0") && chosen.maxDifference == 4 * plain.maxDifference && chosen.kl == plain.kl)
    }

    /// Bounds of four-bit types are wide; a file in which the training is missing is told from the right one all the same.
    @Test func anExportWithoutTheTraining() throws {
        try AdaptationTests.with(TinyModel.rows(60)) { folder, model, data in
            let into = Folder.join(folder, "out")
            _ = try Adaptation(model: model, data: data, into: into, settings: AdaptationTests.settings(4)).run()
            func side(_ path: String) throws -> EquivalenceGate.Side {
                let file = path + "-bf16"
                _ = try ModelConversion(path, .bf16).write(to: file)
                return EquivalenceGate.Side(try ModelFolder.open(file).transformer())
            }
            let prompts = (0..<6).map { row in
                let ids = (0..<12).map { Int32(3 + ($0 * 7 + row * 5) % 20) }
                return EquivalenceGate.Prompt(ids: ids, given: Array(ids.prefix(4)), example: .text("w5 w6"))
            }
            let gate = EquivalenceGate(prompts), trained = EquivalenceGate.Side(try ModelFolder.open(into).transformer())
            let start = EquivalenceGate.Side(try ModelFolder.open(model).transformer())
            for (path, isRight) in [(into, true), (model, false)] {
                let file = try side(path), result = try gate.compare(trained, file, name: "rough", bounds: .of("q4_0"), encoder: nil)
                #expect(result.passed)
                let cause = gate.staysBehind(trained, file, start: start, kl: result.kl)
                #expect((cause == nil) == isRight && cause?.hasPrefix("merge") != false, "\(path): \(cause ?? "nothing")")
            }
        }
    }

    @Test func anotherTemplate() throws {
        let cause = try Self.refused(Self.talks, template: TinyModel.template) { candidate in
            try AtomicFile.write(Folder.join(candidate, "chat_template.jinja"), TinyModel.template.replacing("w30", with: "w29"))
        }
        #expect(cause?.hasPrefix("template") == true, "\(cause ?? "")")
    }

    @Test func aTemplateThatIsLost() throws {
        let cause = try Self.refused(Self.talks, template: TinyModel.template) { try Folder.remove(Folder.join($0, "chat_template.jinja")) }
        #expect(cause?.hasPrefix("template") == true, "\(cause ?? "")")
    }

    @Test func aBeginningThatIsLost() throws {
        let cause = try Self.refused { candidate in try Self.edit(Folder.join(candidate, "tokenizer.json")) { $0["post_processor"] = .null } }
        #expect(cause?.hasPrefix("BOS") == true, "\(cause ?? "")")
    }

    @Test(arguments: [Self.talks, TinyModel.rows(40)]) func anotherEnd(rows: String) throws {
        let cause = try Self.refused(rows, template: rows == Self.talks ? TinyModel.template : nil) { candidate in
            for name in ["config.json", "generation_config.json"] { try Self.edit(Folder.join(candidate, name)) { $0["eos_token_id"] = 3 } }
            try Self.edit(Folder.join(candidate, "tokenizer_config.json")) { $0["eos_token"] = "w3" }
        }
        #expect(cause?.hasPrefix("EOS") == true, "\(cause ?? "")")
    }

    @Test func roundedNumbers() throws {
        let cause = try Self.refused { candidate in
            try Self.rewrite(candidate, { _, numbers in numbers.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) } })
        }
        #expect(cause?.hasPrefix("precision") == true, "\(cause ?? "")")
    }

    @Test func aHeadOfItsOwn() throws {
        let cause = try Self.refused { candidate in
            try Self.edit(Folder.join(candidate, "config.json")) { $0["tie_word_embeddings"] = false }
            try Self.rewrite(candidate, { $1 }, adding: { items in
                items + [SafetensorsWriter.Item("lm_head.weight", floats: (0..<320).map { Float($0 % 7) }, [40, 8])]
            })
        }
        #expect(cause?.hasPrefix("tied weights") == true, "\(cause ?? "")")
    }

    @Test func otherWeights() throws {
        let cause = try Self.refused { candidate in
            try Self.rewrite(candidate, { name, numbers in name.contains("down_proj") ? numbers.reversed() : numbers })
        }
        #expect(cause?.hasPrefix("weights") == true, "\(cause ?? "")")
    }

    @Test func endsOfTheBaseAreKept() throws {
        try AdaptationTests.with(TinyModel.rows(40)) { folder, model, data in
            let text = #"{"eos_token_id": [2, 32], "do_sample": true, "temperature": 0.7, "top_k": 20}"#
            try AtomicFile.write(Folder.join(model, "generation_config.json"), text)
            let into = Folder.join(folder, "out")
            #expect(try Adaptation(model: model, data: data, into: into, settings: AdaptationTests.settings(3)).run().gate?.passed == true)
            let kept = try JSON.read(Folder.join(into, "generation_config.json"))
            #expect(kept["eos_token_id"] == [2, 32] && kept["temperature"]?.double == 0.7 && kept["bos_token_id"]?.int == 1)
        }
    }
}
