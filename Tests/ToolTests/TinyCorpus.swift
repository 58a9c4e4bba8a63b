import Foundation

/// A small made-up corpus as token shards, made once by the program itself and shared by the tests.
struct TinyCorpus {
    let folder: String
    var text: String { folder + "/text" }
    var documents: String { folder + "/documents" }
    var tokenizer: String { folder + "/tokenizer" }
    var shards: String { folder + "/shards" }

    /// Settings of a model that trains in milliseconds a step.
    static let settings = [
        "num_hidden_layers=2", "hidden_size=32", "num_attention_heads=2", "intermediate_size=64", "eval_every=7", "eval_tokens=256",
        "sample_every=1000", "sample_tokens=4", "dropout=0.1",
    ]

    static let shared = Result { try TinyCorpus() }

    private init() throws {
        folder = try Program.scratch("corpus")
        try FileManager.default.createDirectory(atPath: folder + "/text", withIntermediateDirectories: true)
        let words = ["the", "model", "reads", "a", "small", "river", "of", "text", "and", "writes", "it", "again", "slowly", "then", "rests"]
        for document in 0..<40 {
            let lines = (0..<20).map { line in
                (0..<9).map { words[(document * 31 + line * 17 + $0 * (3 + document % 5) + $0 * $0) % words.count] }.joined(separator: " ") + "."
            }
            try (lines.joined(separator: "\n") + "\n").write(toFile: "\(text)/\(document).txt", atomically: true, encoding: .utf8)
        }
        try check(Program.run("gather", text, "--into", documents))
        try check(Program.run("tokenizer", "train", documents, "--vocab-size", "300", "--into", tokenizer))
        try check(Program.run("tokenize", documents, "--tokenizer", tokenizer, "--into", shards))
    }

    private func check(_ result: Program.Result) throws {
        if result.status != 0 { throw Failure(text: result.errors) }
    }

    struct Failure: Error { let text: String }

    /// Arguments of a run over these shards.
    func pretrain(into run: String, steps: Int, saveEvery: Int, _ more: String...) -> [String] {
        ["pretrain", "--data", shards, "--into", run, "--steps", "\(steps)", "--batch", "4", "--sequence", "32", "--save-every", "\(saveEvery)",
            "--learning-rate", "0.003", "--threads", "1", "--quiet"] + Self.settings.flatMap { ["--set", $0] } + more
    }
}
