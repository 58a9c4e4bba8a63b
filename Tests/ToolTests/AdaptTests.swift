import Foundation
import Testing

/// `quintet adapt` as a user runs it.
@Suite(.serialized) struct AdaptTests {
    /// A scratch folder with the tiny model of Tests/TrainingTests/Objectives and rows that it can learn.
    struct Place {
        let folder: String
        var model: String { folder + "/model" }
        var data: String { folder + "/rows.jsonl" }

        init() throws {
            folder = try Program.scratch("adapt")
            let tiny = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("TrainingTests/Objectives")
            try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
            for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
                try FileManager.default.copyItem(at: tiny.appendingPathComponent(name), to: URL(fileURLWithPath: "\(model)/\(name)"))
            }
            let rows = (0..<80).map { row in
                let words = (0..<6).map { "w\(3 + (row * 5 + $0) % 27)" }
                return "{\"prompt\": \"\(words[0]) \(words[1])\", \"completion\": \" \(words[2...].joined(separator: " "))\"}\n"
            }
            try rows.joined().write(toFile: data, atomically: true, encoding: .utf8)
        }

        func remove() { try? FileManager.default.removeItem(atPath: folder) }

        /// The form of the manual, with a few more options.
        func adapt(into name: String, steps: Int, _ more: String...) -> [String] {
            ["adapt", model, "--data", data, "--into", "\(folder)/\(name)", "--method", "full", "--steps", "\(steps)", "--batch", "4", "--threads", "1", "--quiet"] + more
        }
    }

    static func json(_ text: String) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
    }

    private static let story = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../shared/data/weights/stories260K-hf").standardizedFileURL.path

    /// The plan that refuses what will not fit, beside what is taken.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: story), "the reference data in ../shared is not here"), arguments: ["full", "lora"])
    func theMemoryPlanIsNearThePeak(method: String) throws {
        let place = try Place()
        defer { place.remove() }
        let text = String(repeating: "Once upon a time there was a little girl who lived in a house by the sea. ", count: 12)
        try String(repeating: "{\"text\": \"\(text)\"}\n", count: 24).write(toFile: place.data, atomically: true, encoding: .utf8)
        let result = try Program.run([
            "adapt", Self.story, "--data", place.data, "--into", "\(place.folder)/out", "--method", method, "--steps", "2", "--batch", "8", "--threads", "1", "--quiet", "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let memory = try Self.json(result.output)["memory"] as? [String: Any] ?? [:]
        let needed = memory["needed"] as? Int ?? 0, peak = memory["peak"] as? Int ?? 0
        #expect(needed > 80 << 20 && peak > needed / 2 && peak < needed * 5 / 4, "needed \(needed), peak \(peak)")
    }

    @Test func killedAgainAndAgainItEndsWithTheSameBytes() throws {
        let place = try Place()
        defer { place.remove() }
        let options = ["--save-every", "3", "--eval-every", "6", "--learning-rate", "0.01"]
        let whole = try Program.start(place.adapt(into: "whole", steps: 40) + options)
        whole.waitUntilExit()
        #expect(Program.status(whole) == 0)
        var kills = 0
        for attempt in 0..<60 {
            let process = try Program.start(place.adapt(into: "killed", steps: 40, "--resume") + options)
            Thread.sleep(forTimeInterval: 0.03 + 0.02 * Double(attempt % 7))
            if process.isRunning, kills < 6 {
                kill(process.processIdentifier, SIGKILL)
                kills += 1
                process.waitUntilExit()
                continue
            }
            process.waitUntilExit()
            if Program.status(process) == 0 { break }
        }
        #expect(kills > 0)
        for name in ["model.safetensors", "config.json", "README.md", "gate.json"] {
            let files = try ["whole", "killed"].map { try Data(contentsOf: URL(fileURLWithPath: "\(place.folder)/\($0)/\(name)")) }
            #expect(files[0] == files[1], "\(name)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: place.folder + "/killed").filter { $0.hasPrefix(".tmp") }
        #expect(left.isEmpty)
        let again = try Program.start(place.adapt(into: "killed", steps: 40, "--resume") + options)
        again.waitUntilExit()
        #expect(Program.status(again) == 0, "a finished run stays finished")
    }

    @Test func aSignalSavesAndResumes() throws {
        let place = try Place()
        defer { place.remove() }
        let process = try Program.start(place.adapt(into: "run", steps: 1_000_000, "--save-every", "1000000", "--eval-every", "1000000"))
        while process.isRunning, !FileManager.default.fileExists(atPath: place.folder + "/run/metrics.jsonl") { Thread.sleep(forTimeInterval: 0.01) }
        Thread.sleep(forTimeInterval: 0.2)
        process.terminate()
        process.waitUntilExit()
        #expect(Program.status(process) == 143)
        #expect(try !FileManager.default.contentsOfDirectory(atPath: place.folder + "/run/checkpoints").isEmpty)
        #expect(!FileManager.default.fileExists(atPath: place.folder + "/run/model.safetensors"), "nothing is published before the gate")
    }

    @Test func jsonSaysWhatHappened() throws {
        let place = try Place()
        defer { place.remove() }
        let result = try Program.run(
            "adapt", place.model, "--data", place.data, "--into", place.folder + "/out", "--method", "full", "--steps", "20", "--batch", "4", "--learning-rate", "0.01",
            "--json", "--quiet")
        #expect(result.status == 0, "\(result.errors)")
        let json = try Self.json(result.output)
        #expect((json["gate"] as? [String: Any])?["passed"] as? Bool == true)
        #expect(json["loss"] as? Double != nil && json["step"] as? Int == 20)
        let text = try Program.run("generate", place.folder + "/out", "--prompt", "w5 w6", "--max-tokens", "3", "--json")
        #expect(text.status == 0, "\(text.errors)")
    }

    /// Of words with tags their first tokens, of a text with a label its last one, or all with --pooling mean.
    @Test func inspectShowsWhatIsScored() throws {
        let place = try Place()
        defer { place.remove() }
        let tags = place.folder + "/tags.jsonl", classes = place.folder + "/classes.csv"
        try "{\"tokens\": [\"w5\", \"w6\", \"w7\"], \"tags\": [\"O\", \"B\", \"O\"]}\n".write(toFile: tags, atomically: true, encoding: .utf8)
        try "text,label\nw5 w6 w7,a\nw8 w9 w10,b\n".write(toFile: classes, atomically: true, encoding: .utf8)
        func shown(_ data: String, _ more: String...) throws -> String {
            let result = try Program.run(["adapt", "inspect", place.model, "--data", data, "--method", "lora"] + more)
            return result.output + result.errors
        }
        let (words, last, all, over) = (try shown(tags), try shown(classes), try shown(classes, "--pooling", "mean"), try shown(classes, "--html", classes))
        #expect(words.contains("3 scored, tags O B O"), "\(words)")
        #expect(last.contains(" 1 scored, label "), "\(last)")
        #expect(all.contains("4 tokens, 4 scored") || all.contains("5 tokens, 5 scored"), "\(all)")
        #expect(over.contains("nothing is written over"), "\(over)")
    }

    @Test func inspectShowsWhatIsLearned() throws {
        let place = try Place()
        defer { place.remove() }
        let shown = try Program.run("adapt", "inspect", place.model, "--data", place.data, "--count", "1")
        #expect(shown.status == 0 && shown.output.contains("[[") && shown.output.contains("8 tokens, 5 learned"), "\(shown.output)\(shown.errors)")
        let json = try Self.json(try Program.run("adapt", "inspect", place.model, "--data", place.data, "--count", "1", "--json").output)
        let sample = (json["samples"] as? [[String: Any]])?.first
        #expect((sample?["learned"] as? [Bool])?.filter { $0 }.count == 5)
        #expect((sample?["ids"] as? [Int])?.first == 1 && (sample?["ids"] as? [Int])?.last == 2)
        let page = place.folder + "/page.html"
        #expect(try Program.run("adapt", "inspect", place.model, "--data", place.data, "--html", page).status == 0)
        #expect(try Program.text(page).contains("class=\"tok on\""))
    }

    @Test func classifiersAreUsed() throws {
        let place = try Place()
        defer { place.remove() }
        let table = place.folder + "/kinds.csv", out = place.folder + "/out", answers = place.folder + "/answers.csv"
        let rows = (0..<60).map { "w\(3 + $0 % 20) w5 w\($0 % 2 == 0 ? 10 : 25),\($0 % 2 == 0 ? "even" : "odd")\n" }.joined()
        try ("question,kind\n" + rows).write(toFile: table, atomically: true, encoding: .utf8)
        let columns = ["--text-field", "question", "--label-field", "kind"]
        let trained = try Program.start(
            ["adapt", place.model, "--data", table, "--into", out, "--method", "full", "--steps", "40", "--learning-rate", "0.03", "--quiet"] + columns)
        trained.waitUntilExit()
        #expect(Program.status(trained) == 0)
        let said = try Program.run("adapt", "predict", out, "--text", "w7 w5 w10", "--text", "w7 w5 w25")
        #expect(said.status == 0 && said.output.hasPrefix("even  ") && said.output.contains("\nodd  "), "\(said.output)\(said.errors)")
        let json = try Self.json(try Program.run("adapt", "predict", out, "--text", "w7 w5 w10", "--json").output)
        #expect(json["predicted"] as? String == "even" && (json["probabilities"] as? [String: Double])?.count == 2)
        let scored = try Program.run(
            "adapt", "predict", out, "--data", table, "--text-field", "question", "--label-field", "kind", "--out", answers)
        #expect(scored.status == 0 && scored.errors.contains("accuracy: 1.0 on 60"), "\(scored.errors)")
        #expect(try Program.run("adapt", "predict", out, "--data", table, "--text-field", "question", "--out", table).status == 1, "rows are not written over")
        #expect(try Program.text(answers).hasPrefix("question,kind,predicted,probability,probability_even,probability_odd\n"))
        let writer = try Program.run("adapt", "predict", place.model, "--text", "w5")
        #expect(writer.status == 1 && writer.errors.contains("no layer that scores"), "\(writer.errors)")
        #expect(try Program.run("adapt", "predict", out).status == 2)
    }

    @Test func wrongInputIsAnErrorWithItsPlace() throws {
        let place = try Place()
        defer { place.remove() }
        let into = place.folder + "/out"
        func run(_ text: String, _ more: String...) throws -> Program.Result {
            try text.write(toFile: place.data, atomically: true, encoding: .utf8)
            let folder = try Program.scratch("adapt-errors")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let err = folder + "/err"
            _ = FileManager.default.createFile(atPath: err, contents: nil)
            let process = try Program.start(["adapt", place.model, "--data", place.data, "--into", into, "--steps", "1"] + more, errors: try FileHandle(forWritingTo: URL(fileURLWithPath: err)))
            process.waitUntilExit()
            return Program.Result(status: Program.status(process), output: "", errors: try Program.text(err))
        }
        #expect(try run("").errors.contains("no rows"))
        let broken = try run("{\"text\": \"w5\"}\n{\"text\":\n")
        #expect(broken.status == 1 && broken.errors.contains("line 2"), "\(broken.errors)")
        let method = try run("{\"text\": \"w5\"}\n", "--method", "magic")
        #expect(method.status != 0 && method.errors.contains("full, lora"), "\(method.errors)")
        #expect(try run("{\"text\": \"w5\"}\n", "--learning-rate", "-1").status == 2)
        #expect(!FileManager.default.fileExists(atPath: into))
    }
}
