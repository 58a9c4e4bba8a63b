import QuintetFiles
import QuintetTokenizers
import Testing

/// Damaged and hostile tokenizer files: a typed error that says where, never a trap (catalogue rows 54-63).
@Suite struct BadFileTests {
    private static let good: JSON = [
        "added_tokens": [["id": 5, "content": "<s>", "special": true]], "normalizer": nil,
        "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false], "post_processor": nil,
        "decoder": ["type": "ByteLevel"],
        "model": [
            "type": "BPE", "vocab": ["a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4], "merges": [["a", "b"], "ab c"],
        ],
    ]

    private static func tokenizer(_ change: (inout JSON) -> Void) throws -> Tokenizer {
        var json = good
        change(&json)
        return try Tokenizer(json: json.serialized())
    }

    private func expectError(_ field: String?, _ change: (inout JSON) -> Void) {
        #expect {
            _ = try Self.tokenizer(change)
        } throws: { error in
            guard let error = error as? FileError else { return false }
            return field.map { (error.field ?? "").contains($0) } ?? true
        }
    }

    @Test func theGoodFileLoads() throws {
        let tokenizer = try Self.tokenizer { _ in }
        #expect(tokenizer.encode("abcabx<s>") == [4, 3, 5])
    }

    @Test func badMerges() {
        expectError("merges[0]") { $0["model"]?["merges"] = [["a", "x"]] }
        expectError("merges[0]") { $0["model"]?["merges"] = [["b", "a"]] }
        expectError("merges[0]") { $0["model"]?["merges"] = [["a", "b", "c"]] }
        expectError("merges[0]") { $0["model"]?["merges"] = ["a b c"] }
        expectError("merges[0]") { $0["model"]?["merges"] = ["ab"] }
        expectError("merges[0]") { $0["model"]?["merges"] = [["", "a"]] }
        expectError("merges[0]") { $0["model"]?["merges"] = [7] }
        expectError("merges[1]") { $0["model"]?["merges"] = [["a", "b"], ["a", "b"]] }
        expectError("merges") { $0["model"]?["merges"] = "a b" }
    }

    @Test func badIDs() {
        for id: JSON in [-1, 4_294_967_296, 1.5, "3", 77, 2_147_483_647] {
            expectError(nil) { $0["model"]?["vocab"]?["a"] = id }
        }
        expectError(nil) { $0["model"]?["vocab"]?["a"] = 1 }
        expectError(nil) { $0["added_tokens"] = [["id": 9, "content": "<s>"]] }
        expectError("added_tokens[0]") { $0["added_tokens"] = [["id": -1, "content": "<s>"]] }
    }

    @Test func badAddedTokens() {
        expectError("added_tokens[0]") { $0["added_tokens"] = [["id": 5, "content": ""]] }
        expectError("added_tokens[0]") { $0["added_tokens"] = [["id": 5, "content": .string(String(repeating: "a", count: 1 << 20))]] }
        expectError("added_tokens") { $0["added_tokens"] = "x" }
    }

    /// Row 57: what has no linear-time meaning is refused; all else runs in linear time.
    @Test func hostileRegexesAreRefusedOrRunInLinearTime() throws {
        let bomb = String(repeating: "(", count: 1 << 20)
        let nested = String(repeating: "(", count: 5000) + String(repeating: ")", count: 5000)
        for regex in [
            "(?<=x+)y", bomb, nested, #"(a)\1"#, "(?>a+)b", "a{100000}", "((a{100}){100}){100}", "[b-a]", "(?<n", "[[:magic:]]",
            #"\p{Magic}"#, "*a", "a)", "[a", #"\"#, "(?R)", String(repeating: "a", count: 1 << 20),
        ] {
            expectError("pre_tokenizer") {
                $0["pre_tokenizer"] = ["type": "Split", "pattern": ["Regex": .string(regex)], "behavior": "Isolated"]
            }
        }
        let text = String(repeating: "a", count: 1_000_000) + "!"
        for regex in ["(a+)+$", "(a|aa)+c", "(?:a+b)+|a", "a*?b|a(?=a*c)|a"] {
            let tokenizer = try Self.tokenizer {
                $0["pre_tokenizer"] = ["type": "Split", "pattern": ["Regex": .string(regex)], "behavior": "Isolated"]
                $0["decoder"] = ["type": "Fuse"]
            }
            #expect(tokenizer.encode(text).count == 1_000_000)
        }
    }

    @Test func growingAndNestedNormalizersAreRefused() {
        let grow: JSON = ["type": "Replace", "pattern": ["String": "a"], "content": .string(String(repeating: "a", count: 1000))]
        expectError("normalizer") { $0["normalizer"] = grow }
        let double: JSON = ["type": "Replace", "pattern": ["String": "a"], "content": "aa"]
        expectError("normalizer") {
            $0["normalizer"] = ["type": "Sequence", "normalizers": .array(Array(repeating: double, count: 40))]
        }
        let nested = String(repeating: "{\"type\":\"Sequence\",\"normalizers\":[", count: 100_000)
        #expect(throws: FileError.self) { try Tokenizer(json: "{\"normalizer\":" + nested) }
    }

    @Test func brokenText() {
        for text in ["", "null", "[]", "{}", "{\"model\":{}}", "{\"model\":{\"vocab\":[1]}}", "{\"model\":{\"vocab\":{\"\\ud800\":0}}}"] {
            #expect(throws: FileError.self) { try Tokenizer(json: text) }
        }
        let text = Self.good.serialized()
        for count in stride(from: 0, to: text.utf8.count, by: 7) {
            #expect(throws: FileError.self) { try Tokenizer(json: String(text.prefix(count))) }
        }
    }

    @Test func slotsThatAreNotSupportedAreNamed() {
        for slot in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
            expectError(slot) { $0[slot] = ["type": "Surprise"] }
            expectError(slot) { $0[slot] = 5 }
        }
        expectError("dropout") { $0["model"]?["dropout"] = 0.1 }
        expectError("unk_token") { $0["model"]?["unk_token"] = "<nothing>" }
        expectError("post_processor") { $0["post_processor"] = ["type": "BertProcessing", "cls": ["x", 99], "sep": ["y", 0]] }
    }

    @Test func overlappingSpecialTokensTakeTheLongest() throws {
        let tokenizer = try Self.tokenizer {
            $0["added_tokens"] = [
                ["id": 5, "content": "<s>", "special": true], ["id": 6, "content": "<s><s>", "special": true],
                ["id": 7, "content": "a<", "special": true],
            ]
        }
        #expect(tokenizer.encode("<s><s><s>a<s>") == [6, 5, 7])
    }

    private func expectLoadError(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let path = Folder.join(folder, "tokenizer.model")
        try AtomicFile.write(path, bytes)
        #expect(throws: FileError.self, sourceLocation: sourceLocation) { try Tokenizer.load(path) }
        #expect(throws: FileError.self, sourceLocation: sourceLocation) { try Tokenizer.load(folder) }
    }

    @Test func badRankFiles() throws {
        let long = Array("QUJD".utf8) + [UInt8](repeating: 0x41, count: 4000) + Array(" 1".utf8)
        for text in ["YQ== 0\nYg== 2", "YQ== 0\nYQ== 1", "YQ== 0\nYg== 0", "YQ== 0\nYg==", "YQ== 0\n*** 1", "YQ== 0\n 1"] {
            try expectLoadError(Array(text.utf8))
        }
        try expectLoadError(Array("YQ== 0\n".utf8) + long)
    }

    @Test func badSentencePieceFiles() throws {
        /// One piece: text, score and type.
        func piece(_ text: [UInt8], score: Float = 0, type: UInt8 = 1) -> [UInt8] {
            let bits = withUnsafeBytes(of: score.bitPattern.littleEndian) { Array($0) }
            let message: [UInt8] = [0x0A, UInt8(text.count)] + text + [0x15] + bits + [0x18, type]
            return [0x0A, UInt8(message.count)] + message
        }
        let unknown = piece(Array("<unk>".utf8), type: 2)
        let isBPE: [UInt8] = [0x12, 2, 0x18, 2, 0x1A, 2, 0x20, 0]
        let good = unknown + piece(Array("▁".utf8)) + piece(Array("a".utf8)) + piece(Array("▁a".utf8), score: -1) + isBPE
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        try AtomicFile.write(Folder.join(folder, "tokenizer.model"), good)
        #expect(try Tokenizer.load(folder).encode("a") == [3])
        try expectLoadError(unknown + [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F])  // longer than the file
        try expectLoadError(unknown + [0x0A] + [UInt8](repeating: 0xFF, count: 11))  // number without end
        try expectLoadError(unknown + [0x0B])  // group
        try expectLoadError(unknown + piece([]) + isBPE)
        try expectLoadError(unknown + piece([0xFF]) + isBPE)
        try expectLoadError(unknown + piece([0x61, 0, 0x62]) + isBPE)
        try expectLoadError(unknown + piece([0x61], score: .nan) + isBPE)
        try expectLoadError(unknown + piece([0x61], type: 9) + isBPE)
        // Pieces of 513 and of 100,001 bytes, and one that says so and ends before.
        for (count, held) in [(513, 513), (100_001, 100_001), (100_001, 5)] {
            func varint(_ value: Int) -> [UInt8] { value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7) }
            let text = [0x0A] + varint(count) + [UInt8](repeating: 0x61, count: held)
            try expectLoadError(unknown + [0x0A] + varint(text.count) + text + isBPE)
        }
        try expectLoadError(unknown + unknown + isBPE)
        try expectLoadError(piece([0x61]) + isBPE)  // no unknown piece
        try expectLoadError(unknown + piece([0x61]) + [0x12, 2, 0x18, 3])  // words
        try expectLoadError(unknown + piece([0x61]) + isBPE + [0x1A, 4, 0x12, 2, 0xFF, 0xFF])  // a character map of two bytes
        try expectLoadError(unknown + piece([0x61]) + isBPE + [0x1A, 10, 0x12, 8, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0])  // a trie past the end
        for count in stride(from: 5, to: good.count - isBPE.count, by: 3) { try expectLoadError(Array(good.prefix(count))) }
    }

    @Test func badUnigramVocabularies() {
        func model(_ vocab: JSON, _ unknown: JSON = 0) -> JSON { ["type": "Unigram", "unk_id": unknown, "vocab": vocab] }
        expectError("model.vocab[1]") {
            $0["added_tokens"] = []
            $0["model"] = model([["a", -1], ["b"]])
        }
        expectError("model.vocab[1]") {
            $0["added_tokens"] = []
            $0["model"] = model([["a", -1], ["b", "x"]])
        }
        expectError("model.vocab[1]") {
            $0["added_tokens"] = []
            $0["model"] = model([["a", -1], ["a", -2]])
        }
        expectError("model.unk_id") {
            $0["added_tokens"] = []
            $0["model"] = model([["a", -1]], 7)
        }
        expectError("model.unk_id") {
            $0["added_tokens"] = []
            $0["model"] = model([["a", -1]], -1)
        }
        expectError("model.type") {
            $0["added_tokens"] = []
            $0["model"] = ["type": "Magic", "vocab": ["a": 0]]
        }
    }

    @Test func badCharacterMapsAreRefused() {
        for map: JSON in [nil, 5, "*", "", "AAAA", "/////w==", "BAAAAA=="] {
            expectError("normalizer") { $0["normalizer"] = ["type": "Precompiled", "precompiled_charsmap": map] }
        }
    }

    @Test func badLimitsAreRefused() {
        expectError("truncation") { $0["truncation"] = ["max_length": -1, "direction": "Right"] }
        expectError("truncation") { $0["truncation"] = ["max_length": 5, "direction": "Up"] }
        expectError("padding") { $0["padding"] = ["strategy": ["Fixed": 1_000_000_000_000], "pad_id": 0] }
        expectError("padding") { $0["padding"] = ["strategy": "BatchLongest", "pad_id": -4] }
    }

    @Test func badFilesOfOtherFormats() throws {
        let stories: [UInt8] = [3, 0, 0, 0] + [0, 0, 0, 0, 5, 0, 0, 0] + Array("<unk>".utf8)
        try expectLoadError(stories + [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F])
        try expectLoadError(stories + [0, 0, 0xC0, 0x7F, 1, 0, 0, 0, 0x61])
        try expectLoadError(stories + [0, 0, 0, 0, 5, 0, 0, 0] + Array("<unk>".utf8))
        try expectLoadError(stories + [0, 0])
        try expectLoadError(Array("1 'a' 1\n2 'a' 1\n".utf8))
        try expectLoadError(Array("1 'a' 1\n2 'bc' 1\n".utf8))
        try expectLoadError(Array("1 'a' 1\n99999999999 'b' 1\n".utf8))
        try expectLoadError(Array("[UNK]\na\nb\nc\nd\na\n".utf8))
        try expectLoadError(Array(#"{"bpe_ranks": "! 0 YQ== *"}"#.utf8))
        try expectLoadError(Array(#"{"bpe_ranks": "! 0 YQ== YQ=="}"#.utf8))
        try expectLoadError(Array(#"{"bpe_ranks": "! 0 YQ==", "pat_str": "(a"}"#.utf8))
        try expectLoadError(Array(#"{"a": 0, "b": 1}"#.utf8))  // no merges beside it
        try expectLoadError([0xDE, 0xAD, 0xBE, 0xEF])
        try expectLoadError([])
    }

    @Test func filesThatAreNoFilesAreRefused() throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        #expect(throws: FileError.self) { try Tokenizer.load(folder) }
        #expect(throws: FileError.self) { try Tokenizer.load("/dev/zero") }
        try AtomicFile.write(Folder.join(folder, "tokenizer.json"), Self.good.serialized())
        try AtomicFile.write(Folder.join(folder, "tokenizer_config.json"), #"{"vocab_file": ".env", "auto_map": {"x": "y"}}"#)
        #expect(try Tokenizer.load(folder).vocabularySize == 6)
    }
}
