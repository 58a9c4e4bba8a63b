import Foundation
import QuintetFiles
import QuintetTokenizers
import Testing

/// Reference data beside the package; tests that need it say so and pass where it is absent.
enum Shared {
    static let root = URL(filePath: #filePath).appending(path: "../../../../shared").standardizedFileURL.path

    /// Path of a reference file, or nil with a message.
    static func path(_ name: String) -> String? {
        let path = root + "/" + name
        if FileManager.default.fileExists(atPath: path) { return path }
        print("skipped: \(path) is not there")
        return nil
    }

    /// Bytes of a reference file; `.xz` files are unpacked by the `xz` tool.
    static func bytes(_ name: String) throws -> [UInt8]? {
        guard let path = path(name) else { return nil }
        guard let unpacker = [".xz": "xz", ".gz": "gzip"].first(where: { path.hasSuffix($0.key) })?.value else { return try readFile(path) }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [unpacker, "-dc", path]
        process.standardOutput = pipe
        process.standardError = Pipe()
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        if process.terminationStatus == 0 { return Array(data) }
        print("skipped: \(unpacker) is not installed")
        return nil
    }

    static func text(_ name: String) throws -> String? {
        try bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A byte-level tokenizer learned from a few lines: enough for tests of behavior.
func smallTokenizer(_ pattern: PreTokenizationPattern = .gpt2) throws -> Tokenizer {
    var trainer = BPETrainer(vocabularySize: 320, pattern: pattern)
    trainer.add("the cat sat on the mat, the dog sat on the log; don't panic: it's 12345 cats. naïve café 北京 🦙\n\n  indented\n")
    trainer.add("the quick brown fox jumps over the lazy dog 1234 times and then the fox sleeps.\n")
    return try trainer.train()
}

/// Merges and tokens of a tokenizer as it would be saved.
func saved(_ tokenizer: Tokenizer) throws -> (merges: [[String]], tokens: [String]) {
    let model = try JSON.parse(tokenizer.files[0].text)["model"]
    let merges = (model?["merges"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
    return (merges, model?["vocab"]?.object?.keys ?? [])
}

let awkwardTexts = [
    "", " ", "  ", "\n", "a", "\t\t x", "a\r\nb", "  lead", "trail  ", "don't WE'LL 'S ſ 'ſ", "x  \n  y", "!!!\n\n", "1234567",
    "é é ﬁ Å", "北京 こんにちは", "👩‍👩‍👧‍👦 🦙🏽", "\u{0}\u{1}\u{10FFFF}", "\u{202E}abc\u{202C}", "x\u{300}\u{301}", "\u{2028}\u{a0}\u{3000}",
    "<|endoftext|>", "a<|endoftext|>b", "<|endof", "fn f<T>(x: &'a str) -> bool { x != \"\" }",
]
