import QuintetFiles
import QuintetTokenizers
import Testing

/// Tokenizers as GGUF files hold them. Rows 28 and 29 of the catalogue of bad inputs.
@Suite struct GGUFVocabularyTests {
    private func pieces(_ change: (inout GGUFVocabulary) -> Void = { _ in }) -> GGUFVocabulary {
        var vocabulary = GGUFVocabulary(model: "llama", tokens: ["<unk>", "<s>", "</s>", "<0x0A>", "<0xE4>", "▁", "a", "b", "▁a", "ab"], source: "x.gguf")
        vocabulary.kinds = [2, 3, 3, 6, 6, 1, 1, 1, 1, 1]
        vocabulary.scores = [0, 0, 0, 0, 0, -5, -4, -3, -2, -1]
        (vocabulary.bos, vocabulary.eos, vocabulary.unknown) = (1, 2, 0)
        change(&vocabulary)
        return vocabulary
    }

    @Test func mergesByScore() throws {
        let tokenizer = try Tokenizer(pieces())
        #expect(tokenizer.encode("ab") == [1, 5, 9])
        #expect(tokenizer.encode("a a") == [1, 8, 8])
        #expect(tokenizer.encode("a\n") == [1, 8, 3])
        #expect(tokenizer.decode([1, 8, 3, 9]) == "a\nab")
        #expect(try Tokenizer(pieces { $0.addsBOS = false }).encode("ab") == [5, 9])
        #expect(try Tokenizer(pieces { $0.addsSpacePrefix = false; $0.addsEOS = true }).encode("ab") == [1, 9, 2])
    }

    @Test func comesBackEqual() throws {
        let tokenizer = try Tokenizer(pieces())
        let again = try Tokenizer(tokenizer.ggufVocabulary)
        for text in ["ab", "a a ab", "", "b\nb", "ä", "<s>"] { #expect(again.encode(text) == tokenizer.encode(text), "\(text)") }
        let bytes = try Tokenizer(byteLevel())
        let bytesAgain = try Tokenizer(bytes.ggufVocabulary)
        for text in ["hello", "hehe ll", "<end>h"] { #expect(bytesAgain.encode(text) == bytes.encode(text), "\(text)") }
    }

    /// As llama.cpp: words end at the user's own pieces, which are found in text that users write, too.
    @Test func endsWordsAtTheUsersOwnPieces() throws {
        func own(_ name: String?) throws -> Tokenizer {
            try Tokenizer(pieces { $0.kinds[2] = 4; $0.name = name })
        }
        let tokenizer = try own(nil)
        #expect(tokenizer.encode("a</s>a") == [1, 8, 2, 8] && tokenizer.encode("</s>ab") == [1, 2, 5, 9])
        #expect(tokenizer.encode("a</s>a", specials: .asText) == [1, 8, 2, 8] && tokenizer.encode("</s> a") == [1, 2, 5, 8])
        #expect(try own("Microsoft Phi-3 mini").encode("a</s> a<s> a") == [1, 8, 2, 8, 1, 5, 8], "Phi-3's take the white space behind them")
    }

    private func byteLevel(_ change: (inout GGUFVocabulary) -> Void = { _ in }) -> GGUFVocabulary {
        var vocabulary = GGUFVocabulary(model: "gpt2", tokens: ["h", "e", "l", "o", "Ġ", "he", "ll", "hell", "<end>"], source: "x.gguf")
        vocabulary.kinds = [1, 1, 1, 1, 1, 1, 1, 1, 3]
        vocabulary.merges = ["h e", "l l", "he ll"]
        vocabulary.pre = "gpt-2"
        vocabulary.eos = 8
        change(&vocabulary)
        return vocabulary
    }

    @Test func mergesByRank() throws {
        #expect(try Tokenizer(byteLevel()).encode("hello") == [7, 3])
        #expect(try Tokenizer(byteLevel()).encode("he<end>") == [5, 8])
        #expect(try Tokenizer(byteLevel { $0.bos = 8; $0.addsBOS = true }).encode("he") == [8, 5])
    }

    @Test func refusesEveryCase() {
        let cases: [(String, GGUFVocabulary)] = [
            ("no tokens", pieces { $0.tokens = []; $0.kinds = []; $0.scores = [] }), ("fewer kinds", pieces { $0.kinds = [1] }),
            ("fewer scores", pieces { $0.scores = [1] }), ("score NaN", pieces { $0.scores[6] = .nan }),
            ("28 beginning outside", pieces { $0.bos = 10 }), ("28 end negative", pieces { $0.eos = -1 }),
            ("29 byte <0x-1>", pieces { $0.tokens[3] = "<0x-1>" }), ("29 byte <0xZZ>", pieces { $0.tokens[3] = "<0xZZ>" }),
            ("29 byte <0x100>", pieces { $0.tokens[3] = "<0x100>" }), ("29 byte <0x+A>", pieces { $0.tokens[3] = "<0x+A>" }),
            ("29 byte is a letter", pieces { $0.tokens[3] = "x" }), ("a token twice", pieces { $0.tokens[7] = "a" }),
            ("an empty token", pieces { $0.tokens[7] = "" }), ("a token of 513 bytes", pieces { $0.tokens[7] = String(repeating: "x", count: 513) }),
            ("unknown kind of tokenizer", pieces { $0.model = "magic" }), ("merge of an absent token", byteLevel { $0.merges.append("h x") }),
            ("merge into an absent token", byteLevel { $0.merges.append("o h") }), ("merge of three", byteLevel { $0.merges.append("h e l") }),
            ("merge of one", byteLevel { $0.merges.append("he") }), ("unknown way of cutting", byteLevel { $0.pre = "magic" }),
        ]
        for (name, vocabulary) in cases {
            do throws(FileError) {
                _ = try Tokenizer(vocabulary)
                Issue.record("\(name) was accepted")
            } catch {
                #expect(error.path == "x.gguf" && error.field != nil, "\(name): \(error)")
            }
        }
    }
}
