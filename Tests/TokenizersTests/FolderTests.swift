import Foundation
import QuintetFiles
import QuintetTokenizers
import Testing

/// Tokenizers of older folders: tokens that lie beside the vocabulary's own file.
@Suite struct FolderTests {
    private func folder(_ files: [String: [UInt8]], _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/quintet-folder-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name)) }
        try body(path)
    }

    private static let merges: [String: [UInt8]] = [
        "vocab.json": Array(#"{"a":0,"b":1,"ab":2,"Ġ":3,"<":4,"e":5,">":6,"<|endoftext|>":7,"Ġa":8,"Ġb":9,"Ġab":10}"#.utf8),
        "merges.txt": Array("#version: 0.2\na b\nĠ a\nĠ b\nĠ ab\n".utf8),
    ]

    @Test func addedTokensBesideMerges() throws {
        var files = Self.merges
        try folder(files) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.encode("ab<e>") == [2, 4, 5, 6])
        }
        files["added_tokens.json"] = Array(#"{"<e>":11,"<b>":12}"#.utf8)
        files["special_tokens_map.json"] = Array(#"{"eos_token":"<e>"}"#.utf8)
        try folder(files) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.encode("ab<e><b>") == [2, 11, 12] && tokenizer.isSpecial(11) && !tokenizer.isSpecial(12))
            #expect(tokenizer.encode("ab<e>", specials: .asText) == [2, 4, 5, 6])
            try tokenizer.save(to: path + "/again")
            #expect(try Tokenizer.load(path + "/again").encode("ab<e><b>") == [2, 11, 12])
        }
        files["tokenizer_config.json"] = Array(#"{"eos_token":"<e>","added_tokens_decoder":{"11":{"content":"<e>","special":true,"rstrip":true}}}"#.utf8)
        try folder(files) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.encode("<e> ab") == [11, 2] && tokenizer.eosID == 11, "the configuration counts")
        }
    }

    @Test func refusesTokensThatDoNotFit() throws {
        for added in [#"{"<e>":0}"#, #"{"ab":11}"#, #"{"<e>":-1}"#, #"{"<e>":12}"#, #"{"<e>":2147483647}"#, #"{"<e>":"11"}"#, #"{"":11}"#] {
            var files = Self.merges
            files["added_tokens.json"] = Array(added.utf8)
            try folder(files) { path in
                #expect(throws: FileError.self, "\(added)") { try Tokenizer.load(path) }
            }
        }
    }

    @Test func aTokenizerFileSaysAllButWhatFollowsItsIDs() throws {
        let own = #"{"added_tokens":[{"id":2,"content":"<s>","special":true}],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}"#
        let configuration = #"{"added_tokens_decoder":{"2":{"content":"<s>","rstrip":true},"3":{"content":"<e>","special":true},"9":{"content":"<far>"}}}"#
        try folder(["tokenizer.json": Array(own.utf8), "tokenizer_config.json": Array(configuration.utf8)]) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.vocabularySize == 4 && tokenizer.encode("a<e>b<s>") == [0, 3, 1, 2])
        }
    }

    /// A model of SentencePiece's with merges: `<unk>`, `<s>`, "▁", "a", "b", "▁a".
    private static let pieces: [UInt8] = {
        func piece(_ text: String, _ type: UInt8, _ score: UInt8) -> [UInt8] {
            let message = [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15, 0, 0, 0x80, 0xBF - score, 0x18, type]
            return [0x0A, UInt8(message.count)] + message
        }
        let all = [("<unk>", 2), ("<s>", 3), ("▁", 1), ("a", 1), ("b", 1), ("▁a", 1)].flatMap { piece($0.0, UInt8($0.1), $0.0 == "▁a" ? 1 : 0) }
        return all + [0x12, 2, 0x18, 2, 0x1A, 4, 0x18, 1, 0x20, 0]
    }()

    @Test func addedTokensBesidePieces() throws {
        var files = ["tokenizer.model": Self.pieces]
        try folder(files) { path in
            let alone = try Tokenizer.load(path)
            #expect(alone.encode("aa") == [1, 5, 3] && !alone.encode("<s>a").dropFirst().contains(1), "alone, no text is a control piece")
        }
        files["added_tokens.json"] = Array(#"{"<e>":6}"#.utf8)
        files["tokenizer_config.json"] = Array(#"{"tokenizer_class":"LlamaTokenizer","bos_token":"<s>","eos_token":"<e>","unk_token":"<unk>"}"#.utf8)
        try folder(files) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.encode("a<e>a<s>") == [1, 5, 6, 5, 1] && tokenizer.eosID == 6)
            #expect(try Tokenizer(tokenizer.ggufVocabulary).encode("a<e>ab") == [1, 5, 6, 5, 4])
        }
        files["tokenizer_config.json"] = Array(#"{"tokenizer_class":"LlamaTokenizer","legacy":false,"bos_token":"<s>","eos_token":"<e>"}"#.utf8)
        try folder(files) { path in
            let tokenizer = try Tokenizer.load(path)
            #expect(tokenizer.encode("a<e>a") == [1, 5, 6, 3], "no blank after a token")
        }
    }
}
