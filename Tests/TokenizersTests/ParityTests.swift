import QuintetFiles
import QuintetTokenizers
import Testing

/// Ids and texts equal to the reference libraries', case by case.
@Suite struct ParityTests {
    struct Reference: Sendable, CustomTestStringConvertible {
        var cases: String
        var tokenizer: String
        var testDescription: String { cases }
    }

    static let references = [
        Reference(cases: "gpt2-tokenizer-json", tokenizer: "gpt2-tokenizer-json/gpt2_tokenizer.json.xz"),
        Reference(cases: "roberta", tokenizer: "roberta/tokenizer.json.xz"),
        Reference(cases: "whisper-tiny", tokenizer: "whisper-tiny/tokenizer.json.xz"),
        Reference(cases: "phi-3-mini", tokenizer: "phi-3-mini/tokenizer.json.xz"),
        Reference(cases: "cl100k", tokenizer: "cl100k/cl100k_base.tiktoken.xz"),
        Reference(cases: "llama3", tokenizer: "llama3/tokenizer.model.xz"),
        Reference(cases: "gpt2-tiktoken", tokenizer: "gpt2-tiktoken/gpt2.tiktoken.xz"),
        Reference(cases: "llama2-tokenizer", tokenizer: "llama2/tokenizer.model.xz"),
        Reference(cases: "clip-json", tokenizer: "clip-json/tokenizer.json.xz"),
        Reference(cases: "clip-json", tokenizer: "clip/bpe_simple_vocab_16e6.txt.gz"),
        Reference(cases: "bert", tokenizer: "bert/bert-vocab.txt"),
        Reference(cases: "bert-cased", tokenizer: "bert-cased/bert_basic_cased_vocab.txt"),
        Reference(cases: "t5-small", tokenizer: "t5-small/tokenizer.json.xz"),
        Reference(cases: "sentencepiece-test-test_model", tokenizer: "sentencepiece-test/test_model.model"),
        Reference(cases: "sentencepiece-test-test_ja_model", tokenizer: "sentencepiece-test/test_ja_model.model.xz"),
        Reference(cases: "torchtitan-small", tokenizer: "torchtitan-small/tokenizer.json"),
    ]

    @Test(arguments: references) func idsAndTextsAreEqual(_ reference: Reference) throws {
        guard let definition = try Shared.bytes("data/tokenizers/" + reference.tokenizer),
            let cases = try Shared.text("parity-tokenizers/\(reference.cases).jsonl")
        else { return }
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let file = Folder.join(folder, "tokenizer.json")
        try AtomicFile.write(file, definition)
        let tokenizer = try Tokenizer.load(file)
        let rows = try cases.split(separator: "\n").dropFirst().map { try JSON.parse(String($0)) }
        #expect(rows.count > 100)
        for row in rows {
            let text = try #require(row["text"]?.string)
            let ids = try #require(row["ids"]?.array).compactMap { $0.int.map { Int32($0) } }
            #expect(tokenizer.encode(text, addSpecialTokens: false) == ids, "\(text.debugDescription)")
            if let decoded = row["decoded"]?.string {
                #expect(Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8) == Array(decoded.utf8))
            }
        }
    }

    /// CLIP's vocabulary as it is handed out: compressed, alone in a folder or by its name.
    @Test func readsCompressedFiles() throws {
        guard let folder = Shared.path("data/tokenizers/clip"), let plain = try Shared.bytes("data/tokenizers/clip/bpe_simple_vocab_16e6.txt.gz") else { return }
        let wanted = try Tokenizer(contents: plain).encode("A photo of a cat, 2 dogs and l'été.")
        let file = Folder.join(folder, "bpe_simple_vocab_16e6.txt.gz"), packed = try readFile(file)
        #expect(try Tokenizer.load(folder).encode("A photo of a cat, 2 dogs and l'été.") == wanted && wanted.count > 8)
        #expect(try Tokenizer.load(file).encode("A photo of a cat, 2 dogs and l'été.") == wanted)
        var flipped = packed
        flipped[packed.count / 2] ^= 0x55
        for (bytes, words) in [
            (Array(packed.prefix(1000)), "ends too early"), (packed.dropLast(1), "ends too early"), (packed + [0], "other bytes follow"), (flipped, "damaged"),
        ] { #expect { try Tokenizer(contents: bytes, source: "x.gz") } throws: { "\($0)".contains(words) && "\($0)".contains("x.gz") } }
    }

    @Test func storiesPromptsHaveTheExpectedIDs() throws {
        guard let folder = Shared.path("data/weights/stories260K-hf") else { return }
        let tokenizer = try Tokenizer.load(folder)
        #expect(tokenizer.vocabularySize == 512)
        #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && tokenizer.unkID == 0)
        for row in try JSON.read(folder + "/expected_generation.json").array ?? [] {
            let prompt = try #require(row["prompt"]?.string)
            let ids = { (key: String) in (row[key]?.array ?? []).compactMap { $0.int.map { Int32($0) } } }
            #expect(tokenizer.encode(prompt) == ids("prompt_ids"))
            #expect(tokenizer.decode(ids("ids")) == row["text"]?.string)
        }
    }
}
