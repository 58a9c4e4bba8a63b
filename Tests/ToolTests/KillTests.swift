import Foundation
import QuintetFiles
import Testing

/// Real runs of the command, killed at random moments: the weights at the end are those of the run that nobody killed.
@Suite(.serialized, .enabled(if: Command.isBuilt, "the command is not built: swift build -c release"))
struct KillTests {
    static let settings = [
        "--set", "num_hidden_layers=1", "--set", "hidden_size=32", "--set", "num_attention_heads=2", "--set", "intermediate_size=64",
        "--batch", "2", "--sequence", "16", "--steps", "240", "--save-every", "4", "--set", "eval_every=40", "--set", "eval_tokens=64",
        "--set", "sample_every=80", "--set", "sample_tokens=4", "--set", "dropout=0", "--quiet", "--threads", "1",
    ]

    func make(_ scratch: String) throws -> String {
        let corpus = Folder.join(scratch, "corpus")
        let tests = Folder.join(Command.root, "Tests/ToolTests")
        for arguments in [
            ["gather", tests, "--into", corpus], ["tokenizer", "train", corpus, "--vocab-size", "300", "--into", Folder.join(scratch, "tok")],
            ["tokenize", corpus, "--tokenizer", Folder.join(scratch, "tok"), "--into", Folder.join(scratch, "tokens"), "--validation", "0.2"],
        ] {
            let result = try Command.run(arguments)
            try #require(result.status == 0, "\(result.errors)")
        }
        return Folder.join(scratch, "tokens")
    }

    func metrics(_ run: String) throws -> [String] {
        let lines = String(decoding: try readFile(Folder.join(run, "metrics.jsonl")), as: UTF8.self).split(separator: "\n")
        return try lines.map { line in
            var row = try JSON.parse(String(line)).object ?? [:]
            for key in ["tok/sec", "mfu", "seconds"] { row[key] = nil }
            return JSON.object(row).serialized()
        }
    }

    @Test func killedAtRandomMomentsEndsWithTheSameBits() throws {
        let scratch = try Folder.temporary("kill")
        defer { try? Folder.remove(scratch) }
        let tokens = try make(scratch)
        let whole = Folder.join(scratch, "whole")
        let began = Date()
        let result = try Command.run(["pretrain", "--data", tokens, "--into", whole] + Self.settings)
        try #require(result.status == 0, "\(result.errors)")
        let length = Date().timeIntervalSince(began)

        let killed = Folder.join(scratch, "killed")
        let resume = ["pretrain", "--data", tokens, "--into", killed, "--resume"] + Self.settings
        var generator = SystemRandomNumberGenerator()
        var kills = 0
        for attempt in 0..<24 {
            // Every fourth one is asked to stop instead, and saves.
            let signal = attempt % 4 == 3 ? SIGTERM : SIGKILL
            let end = try Command.run(resume, kill: signal, after: Double.random(in: 0.02...max(0.1, length / 6), using: &generator))
            if end.status == 0, !end.signal { break }
            kills += 1
            #expect(end.signal ? end.status == SIGKILL || end.status == SIGTERM : end.status == 143, "\(end.errors)")
        }
        let last = try Command.run(resume)
        #expect(last.status == 0, "\(last.errors)")
        let same = try sha256(file: Folder.join(killed, "model.safetensors")) == sha256(file: Folder.join(whole, "model.safetensors"))
        #expect(same, "after \(kills) kills")
        #expect(try metrics(killed) == metrics(whole), "after \(kills) kills")
        #expect(try Folder.names(in: killed).filter { $0.hasPrefix(".tmp") }.isEmpty)
    }

    @Test func exitCodesAndNothingOverwritten() throws {
        let scratch = try Folder.temporary("codes")
        defer { try? Folder.remove(scratch) }
        let foreign = Folder.join(scratch, "photos")
        try Folder.create(foreign)
        try AtomicFile.write(Folder.join(foreign, "cat.jpg"), "x")
        let tokens = try make(scratch)
        for (arguments, code, part) in [
            (["--help"], 0, "USAGE"), (["frob"], 2, "Usage"), (["pretrain", "--step", "3"], 2, "--steps"),
            (["pretrain", "--data", tokens, "--into", foreign], 1, "is no training run"),
            (["pretrain", "--data", Folder.join(scratch, "none"), "--into", Folder.join(scratch, "r")], 1, "none"),
            (["pretrain", "--data", tokens, "--into", Folder.join(scratch, "r"), "--preset", "nanno"], 2, "Did you mean nano"),
            (["pretrain", "--data", tokens, "--into", Folder.join(scratch, "r"), "--learning-rate", "inf"], 2, "learning_rate"),
            (["pretrain", "--data", tokens, "--into", Folder.join(scratch, "r"), "--set", "num_attention_heads=7"], 2, "do not divide"),
            (["pretrain", "--data", tokens, "--into", Folder.join(scratch, "r"), "--config", foreign], 1, "photos"),
        ] as [([String], Int32, String)] {
            let result = try Command.run(arguments)
            #expect(result.status == code && (result.errors + result.output).contains(part), "\(arguments): \(result.status) \(result.errors)")
        }
        #expect(try Folder.names(in: foreign) == ["cat.jpg"] && !Folder.exists(Folder.join(scratch, "r")))
    }
}
