import Foundation
import Testing

/// The commands as a new user types them, from text to a model that writes.
@Suite(.serialized) struct LifeTests {
    @Test func fromTextToGeneration() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("life")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = folder + "/run"
        let trained = try Program.start(corpus.pretrain(into: run, steps: 20, saveEvery: 10))
        trained.waitUntilExit()
        #expect(Program.status(trained) == 0)
        for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "README.md",
            "run.yaml", "metrics.jsonl", "report.html", "checkpoints/20/manifest.json"] {
            #expect(FileManager.default.fileExists(atPath: "\(run)/\(name)"), "\(name) is missing")
        }
        let generated = try Program.run("generate", run, "--prompt", "the model", "--max-tokens", "8", "--temperature", "0", "--json")
        #expect(generated.status == 0, "\(generated.errors)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(generated.output.utf8)) as? [String: Any])
        #expect((object["ids"] as? [Int])?.count == 8)
        for key in ["text", "prompt_ids", "finish_reason", "timings"] { #expect(object[key] != nil, "\(key) is missing") }
        #expect(try Program.run("inspect", run).status == 0)

        // Finished is finished; another setting is another run; what is there is not overwritten.
        #expect(try Self.run(corpus.pretrain(into: run, steps: 20, saveEvery: 10, "--resume")).status == 0)
        let differs = try Self.run(corpus.pretrain(into: run, steps: 20, saveEvery: 10, "--resume", "--seed", "7"))
        #expect(differs.status == 1 && differs.errors.contains("seed"), "\(differs.errors)")
        #expect(try Self.run(corpus.pretrain(into: run, steps: 20, saveEvery: 10)).status == 1)
    }

    /// An evaluation that is better than all before has a checkpoint, whenever the next one is due.
    @Test func theBestEvaluationIsKept() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("best")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Evaluated at steps 7, 14 and 20.
        let trained = try Self.run(corpus.pretrain(into: folder + "/run", steps: 20, saveEvery: 20))
        try #require(trained.status == 0, "\(trained.errors)")
        let state = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + "/run/checkpoints/20/trainer_state.json"))) as? [String: Any]
        let best = try #require(state?["best_step"] as? Int), names = try FileManager.default.contentsOfDirectory(atPath: folder + "/run/checkpoints")
        #expect(names.count == 2 && names.contains("\(best)") && names.contains("20"), "\(names), the best is \(best)")
    }

    @Test func threadsDoNotChangeTheModel() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("threads")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let weights = try ["1", "2"].map { threads in
            var arguments = corpus.pretrain(into: "\(folder)/\(threads)", steps: 8, saveEvery: 8)
            if let index = arguments.firstIndex(of: "--threads") { arguments[index + 1] = threads }
            #expect(try Self.run(arguments).status == 0)
            return try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(threads)/model.safetensors"))
        }
        #expect(weights[0] == weights[1])
    }

    @Test func mistakesAreNamedAndNothingIsWritten() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("mistakes")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cases: [(arguments: [String], status: Int32, says: String)] = [
            (["pretrain", "--data", corpus.shards, "--into", folder + "/a", "--preset", "nanno"], 2, "nano"),
            (["pretrain", "--data", corpus.shards, "--into", folder + "/a", "--set", "hiden_size=3"], 2, "hidden_size"),
            (["pretrain", "--data", corpus.shards, "--into", folder + "/a", "--set", "hidden_size=30", "--set", "num_attention_heads=4"], 2, "30"),
            (["pretrain", "--data", corpus.shards, "--into", folder + "/a", "--learning-rate", "nan"], 2, "learning"),
            (["pretrain", "--data", folder + "/nothing", "--into", folder + "/a"], 1, "nothing"),
            (["gather", folder + "/nothing", "--into", folder + "/a"], 1, "nothing"),
            (["generate", folder + "/nothing", "--prompt", "x"], 1, "nothing"),
            (["pretrian"], 2, "pretrian"),
        ]
        for (arguments, status, says) in cases {
            let result = try Self.run(arguments)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            #expect(result.errors.contains(says), "\(arguments): \(result.errors)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func everyCommandShowsAnExample() throws {
        let help = try Program.run("--help").output
        let names = help.split(separator: "\n").drop { !$0.hasPrefix("SUBCOMMANDS") }.dropFirst()
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0 != "See" && $0 != "help" }
        #expect(names.contains("pretrain") && names.contains("demo"))
        for name in names {
            let text = try Program.run(name, "--help").output
            #expect(text.contains("Example:") && text.contains("quintet \(name)"), "\(name) has no example")
        }
        #expect(try Program.run("--version").output.first?.isNumber == true)
    }

    static func run(_ arguments: [String]) throws -> Program.Result {
        let folder = try Program.scratch("errors")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let err = folder + "/err"
        _ = FileManager.default.createFile(atPath: err, contents: nil)
        let process = try Program.start(arguments, errors: try FileHandle(forWritingTo: URL(fileURLWithPath: err)))
        process.waitUntilExit()
        return Program.Result(status: Program.status(process), output: "", errors: try Program.text(err))
    }
}
