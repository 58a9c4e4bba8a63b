import Foundation
import Testing

/// Where the words of a command come from: files, pipes that a shell makes, standard input.
@Suite struct InputTests {
    /// Runs a line of a shell in which `$Q` is the program and `$T` a tokenizer.
    private func shell(_ line: String) throws -> (status: Int32, output: String) {
        let process = Process(), pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", line]
        process.environment = ["Q": Program.path(), "T": try TinyCorpus.shared.get().tokenizer, "PATH": "/usr/bin:/bin"]
        (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, pipe, pipe)
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (Program.status(process), String(decoding: data, as: UTF8.self))
    }

    @Test func linesComeFromStandardInputAndPipes() throws {
        let lines = #"'{"text":"the river"}\n{"text":"again"}\n'"#
        let ids = try shell("printf \(lines) | $Q tokenizer encode --tokenizer $T --jsonl -")
        #expect(ids.status == 0 && ids.output.hasPrefix("{\"ids\":[") && ids.output.split(separator: "\n").count == 2)
        #expect(try shell("$Q tokenizer encode --tokenizer $T --jsonl <(printf \(lines))") == ids)
        let texts = try shell("printf \(lines) | $Q tokenizer encode --tokenizer $T --jsonl - | $Q tokenizer decode --tokenizer $T --jsonl -")
        #expect(texts.output == "{\"text\":\"the river\"}\n{\"text\":\"again\"}\n")
        let bad = try shell("printf '{\"text\":1}' | $Q tokenizer encode --tokenizer $T --jsonl -")
        #expect(bad.status == 1 && bad.output.contains("standard input") && bad.output.contains("line 1"))
    }

    @Test func whatIsNoUTF8IsRefusedWithItsPlace() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("bytes")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(try Program.run(corpus.pretrain(into: folder + "/run", steps: 2, saveEvery: 2)).status == 0)
        let chat = try shell("printf 'the\\nof a\\xff\\n' | $Q chat \(folder)/run --max-tokens 2")
        #expect(chat.status == 1 && chat.output.contains("standard input, line 2, byte 4: not UTF-8"), "\(chat.output)")
        let prompt = try shell("printf 'of a\\xff' | $Q generate \(folder)/run --prompt-file - --max-tokens 2")
        #expect(prompt.status == 1 && prompt.output.contains("byte 4: not UTF-8"), "\(prompt.output)")
        let stop = try shell("$Q generate \(folder)/run --prompt the --stop '' --max-tokens 2")
        #expect(stop.status == 2 && stop.output.contains("--stop: expected a text that is not empty"), "\(stop.output)")
    }

    @Test func tokenizersSayWhatTheyCouldNotLearn() throws {
        let text = try TinyCorpus.shared.get().text
        let folder = try Program.scratch("small")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "ab ab ab".write(toFile: folder + "/a.txt", atomically: true, encoding: .utf8)
        let few = try Program.run("tokenizer", "train", folder + "/a.txt", "--vocab-size", "300", "--into", folder + "/t")
        #expect(few.status == 0 && few.errors.contains("tokens instead of 300"), "\(few.errors)")
        for wrong in [["--min-frequency=-1"], ["--special", "<a>", "--special", "<a>"]] {
            let result = try Program.run(["tokenizer", "train", text, "--vocab-size", "300", "--into", folder + "/u"] + wrong)
            #expect(result.status == 2 && !FileManager.default.fileExists(atPath: folder + "/u"), "\(result.errors)")
        }
    }

    @Test func textBesideLinesIsRefused() throws {
        #expect(try shell("$Q tokenizer encode --tokenizer $T --jsonl f.jsonl 'some text'").status == 2)
        #expect(try shell("$Q tokenizer decode --tokenizer $T --jsonl f.jsonl 1 2").status == 2)
    }

    @Test func promptsAndGrammarsComeFromPipes() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("pipes")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try #require(try Program.run(corpus.pretrain(into: folder + "/run", steps: 2, saveEvery: 2)).status == 0)
        let made = try shell("$Q generate \(folder)/run --prompt-file <(printf 'the ') --grammar <(printf 'root ::= \"river\"') --temperature 0 --max-tokens 20")
        #expect(made.status == 0 && made.output.contains("the river"), "\(made.output)")
    }

    /// The step that was left out is named, and a refusal leaves no folder.
    @Test func dataThatCannotBeTrainedOnLeavesNothing() throws {
        let corpus = try TinyCorpus.shared.get(), run = try Program.scratch("refused") + "/run"
        defer { try? FileManager.default.removeItem(atPath: (run as NSString).deletingLastPathComponent) }
        let documents = try Program.run("pretrain", "--data", corpus.documents, "--into", run)
        #expect(documents.status == 1 && documents.errors.contains("quintet tokenize DIR"), "\(documents.errors)")
        let short = try Program.run("pretrain", "--data", corpus.shards, "--into", run, "--sequence", "90000", "--batch", "1", "--set", "hidden_size=32")
        #expect(short.status == 1 && short.errors.contains("too few tokens"), "\(short.errors)")
        let heads = try Program.run("pretrain", "--data", corpus.shards, "--into", run, "--set", "num_attention_heads=7")
        #expect(heads.status == 2 && heads.errors.contains("num_attention_heads: 7 does not divide hidden_size"), "\(heads.errors)")
        #expect(!FileManager.default.fileExists(atPath: run))
    }

    @Test func aFileIsNoRunFolder() throws {
        let corpus = try TinyCorpus.shared.get()
        let result = try Program.run(corpus.pretrain(into: corpus.text + "/0.txt", steps: 1, saveEvery: 1))
        #expect(result.status == 1 && result.errors.contains("a run needs a folder") && result.errors.contains("found a regular file"))
    }

    @Test func aDemoOfNothingLeavesNothing() throws {
        let folder = try Program.scratch("demo")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "too little".write(toFile: folder + "/a.txt", atomically: true, encoding: .utf8)
        #expect(try Program.run("demo", folder, "--minutes", "0.1", "--into", folder + "/out").status == 1)
        #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
    }
}
