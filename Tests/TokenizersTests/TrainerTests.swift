import QuintetFiles
import QuintetTokenizers
import Testing

@Suite struct TrainerTests {
    /// Merges that `tokenizers` 0.23.3 learns from this text (ByteLevel alphabet, one special token).
    @Test func mergesEqualTheReferenceLibrarys() throws {
        var trainer = BPETrainer(vocabularySize: 400)
        trainer.add("low lower lowest low aaaa aaaaaa abab")
        let expected = [
            ["a", "a"], ["l", "o"], ["lo", "w"], ["Ġ", "low"], ["aa", "aa"], ["a", "b"], ["Ġ", "aaaa"], ["Ġlow", "e"],
            ["s", "t"], ["Ġ", "ab"], ["Ġaaaa", "aa"], ["Ġlowe", "r"], ["Ġlowe", "st"], ["Ġab", "ab"],
        ]
        #expect(try saved(trainer.train()).merges == expected)
    }

    struct Golden: Sendable {
        var pattern: PreTokenizationPattern
        var size: Int
        var merges: String
        var tokens: String
    }

    /// SHA-256 of "a b\n" per merge and "token\n" per id, from `tokenizers` 0.23.3 on the same book.
    static let goldens = [
        Golden(
            pattern: .gpt2, size: 2000, merges: "951a5ed93a5a92816fcca0f4d908da6a71c0e01fe0469b4e57a3a0d0e8fc1e87",
            tokens: "14b2adb94197b1d28462d78a5600bfe662d19ea4c0f7d52494de9d99c3b2d3ec"),
        Golden(
            pattern: .gpt2, size: 5000, merges: "236ce874f3cd191c612cc87911f60e2ef63468f476218f031669bdaa9a715b43",
            tokens: "11f5bcb0a3f356ef9bd3e7a00a537d6ca1e56f5b00c5d0adb629c7a6a670bd27"),
        Golden(
            pattern: .llama3, size: 5000, merges: "17b05c71a350d1558e31bd549e7f0df1a349bcf5a4071a27026c8300ef047fc4",
            tokens: "45e3f1646813b5c82d95f834d6a2d4f81fe9af031ca6d42f8ffcfb18dcbd7832"),
    ]

    @Test(arguments: goldens) func aBooksVocabularyEqualsTheReferenceLibrarys(_ golden: Golden) throws {
        guard let book = try Shared.text("data/text/gutenberg-botchan/botchan.txt") else { return }
        var trainer = BPETrainer(vocabularySize: golden.size, pattern: golden.pattern)
        trainer.add(book)
        let (merges, tokens) = try saved(trainer.train(threads: 2))
        #expect(tokens.count == golden.size)
        #expect(sha256(merges.map { $0.joined(separator: " ") + "\n" }.joined()) == golden.merges)
        #expect(sha256(tokens.map { $0 + "\n" }.joined()) == golden.tokens)
    }

    @Test func theResultDependsNeitherOnThreadsNorOnTheOrderOfDocuments() throws {
        guard let book = try Shared.text("data/text/gutenberg-botchan/botchan.txt") else { return }
        let paragraphs = book.split(separator: "\r\n\r\n").map(String.init)
        var forward = BPETrainer(vocabularySize: 600)
        var backward = BPETrainer(vocabularySize: 600)
        for text in paragraphs { forward.add(text) }
        for text in paragraphs.reversed() { backward.add(text) }
        let one = try forward.train(threads: 1).files[0].text
        #expect(try forward.train(threads: 3).files[0].text == one)
        #expect(try backward.train(threads: 2).files[0].text == one)
    }

    @Test func aLongDocumentIsCountedTheSameInPieces() throws {
        let text = String(repeating: "Some words, 123 and   spaces\n\n and more'n that; ", count: 20_000)
        var trainer = BPETrainer(vocabularySize: 300, pattern: .cl100k)
        trainer.add(text)
        #expect(try trainer.train(threads: 4).fingerprint == trainer.train(threads: 1).fingerprint)
    }

    @Test func specialTokensComeFirstAndAreNotLearned() throws {
        var trainer = BPETrainer(vocabularySize: 300, specialTokens: ["<|endoftext|>", "<|pad|>", "<|pad|>"])
        trainer.add("abc abc abc abc")
        let tokenizer = try trainer.train()
        #expect(tokenizer.id(of: "<|endoftext|>") == 0 && tokenizer.id(of: "<|pad|>") == 1 && tokenizer.eosID == 0)
        #expect(tokenizer.encode("abc<|endoftext|> abc").contains(0))
        #expect(!tokenizer.encode("abc<|endoftext|>", specials: .asText).contains(0))
    }

    @Test func badRequestsAreTypedErrors() throws {
        #expect(throws: FileError.self) { try BPETrainer(vocabularySize: 1000).train() }
        var small = BPETrainer(vocabularySize: 100)
        small.add("text")
        #expect(throws: FileError.self) { try small.train() }
        var empty = BPETrainer(vocabularySize: 300, specialTokens: [""])
        empty.add("text")
        #expect(throws: FileError.self) { try empty.train() }
    }
}
