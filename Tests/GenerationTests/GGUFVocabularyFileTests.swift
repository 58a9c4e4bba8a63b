import Foundation
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers
import Testing

/// Vocabularies as llama.cpp wrote them, with the ids that it gives for 46 texts.
@Suite struct GGUFVocabularyFileTests {
    private static let folder = "data/tokenizers/ggml-vocabs"

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: ["llama-spm", "phi-3", "gpt-2", "falcon", "mpt", "refact", "starcoder", "deepseek-coder", "bert-bge"])
    func givesTheSameIDs(_ name: String) throws {
        let stem = try Shared.path(Self.folder) + "/ggml-vocab-\(name).gguf"
        guard Folder.isFile(stem + ".xz"), Folder.isFile(stem + ".inp") else { return print("skipped: \(stem).xz is not there") }
        try withFolder { folder in
            let path = folder + "/\(name).gguf"  // alone in the folder, which then is a tokenizer
            guard try unpack(stem + ".xz", to: path) else { return print("skipped: xz is not installed") }
            let tokenizer = try Tokenizer.open(folder)
            let texts = String(decoding: try readFile(stem + ".inp"), as: UTF8.self).components(separatedBy: "\n__ggml_vocab_test__\n")
            let lines = String(decoding: try readFile(stem + ".out"), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(texts.count >= 40 && lines.count >= texts.count)
            for (text, line) in zip(texts, lines) {
                let expected = line.split(separator: " ").compactMap { Int32($0) }
                let ids = tokenizer.encode(text, addSpecialTokens: false)
                #expect(ids == expected, "\(name): \(text.debugDescription)")
            }
        }
    }

    /// Phi-3's tokens take the white space behind them, and words end at `</s>`: ids of llama.cpp (parse_special) and of `tokenizers`.
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func phi3TakesWhiteSpace() throws {
        let packed = try Shared.path(Self.folder) + "/ggml-vocab-phi-3.gguf.xz"
        guard Folder.isFile(packed) else { return print("skipped: \(packed) is not there") }
        try withFolder { folder in
            guard try unpack(packed, to: folder + "/x.gguf") else { return print("skipped: xz is not installed") }
            let tokenizer = try Tokenizer.open(folder)
            for (text, ids) in [
                ("</s>", [2]), ("</s>\n\t", [2]), ("<|end|>  ", [32007]), (" </s>a\t  ", [259, 2, 263, 12, 259]),
                ("<|endoftext|><unk>  </s>\n\n\n", [32000, 0, 1678, 2]), ("a<unk></s>if", [263, 0, 2, 565]),
            ] as [(String, [Int32])] {
                #expect(tokenizer.encode(text, addSpecialTokens: false) == ids, "\(text.debugDescription)")
            }
        }
    }

    private func unpack(_ path: String, to out: String) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "xz -dc \"$0\" > \"$1\"", path, out]
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
