import QuintetFiles
import QuintetTokenizers
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: PreTokenizationPattern.allCases) func everyTextComesBack(_ pattern: PreTokenizationPattern) throws {
        let tokenizer = try smallTokenizer(pattern)
        for text in awkwardTexts {
            let ids = tokenizer.encode(text)
            #expect(Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8) == Array(text.utf8))
            #expect(pattern.words(in: text).joined().utf8.elementsEqual(text.utf8))
        }
    }

    @Test func anyBytesComeBack() throws {
        let tokenizer = try smallTokenizer()
        var bytes: [UInt8] = (0...255).map { UInt8($0) } + [0xC3, 0x28, 0xE2, 0x82, 0xF0, 0x9F, 0xED, 0xA0, 0x80, 0xC0, 0x80]
        for _ in 0..<200 {
            bytes.append(UInt8.random(in: 0...255))
            var ids: [Int32] = []
            bytes.withUnsafeBytes { tokenizer.encode(bytes: $0, into: &ids) }
            #expect(tokenizer.decodeBytes(ids) == bytes)
        }
    }

    @Test func aStreamNeverBreaksACharacterAndAddsUpToTheWhole() throws {
        let byteLevel = try smallTokenizer()
        var tokenizers = [byteLevel]
        if let folder = Shared.path("data/weights/stories260K-hf") { tokenizers.append(try Tokenizer.load(folder)) }
        for tokenizer in tokenizers {
            for text in awkwardTexts + ["Once 🦙 upon é a 北京 time"] {
                let ids = tokenizer.encode(text)
                var decoder = tokenizer.makeStreamingDecoder()
                var pieces = ids.map { decoder.append($0) }
                #expect(!text.contains("🦙") || !pieces.contains { $0.contains("\u{FFFD}") })
                pieces.append(decoder.finish())
                #expect(pieces.joined().utf8.elementsEqual(tokenizer.decode(ids).utf8))
            }
        }
    }

    @Test func brokenStreamsEndInReplacementCharacters() throws {
        let tokenizer = try smallTokenizer()
        let half = tokenizer.encode("🚀").prefix(2)
        var decoder = tokenizer.makeStreamingDecoder()
        for id in half { #expect(decoder.append(id) == "") }
        #expect(decoder.finish() == tokenizer.decode(half))
        #expect(tokenizer.decode([-1, Int32.max, 100_000]) == "")
    }

    @Test func aSavedTokenizerIsTheSameTokenizer() throws {
        let tokenizer = try smallTokenizer(.llama3)
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        try tokenizer.save(to: folder)
        let again = try Tokenizer.load(folder)
        #expect(again.fingerprint == tokenizer.fingerprint)
        #expect(again.files.map(\.text) == tokenizer.files.map(\.text))
        for text in awkwardTexts { #expect(again.encode(text) == tokenizer.encode(text)) }
        #expect(again.eosID == tokenizer.eosID)
    }

    @Test func hostileInputIsLinear() throws {
        let tokenizer = try smallTokenizer()
        let stories = try Shared.path("data/weights/stories260K-hf").map { try Tokenizer.load($0) }
        for unit in ["a", "\u{200D}", "x\u{300}", " ", "\n", "'", "<", "▁", "🦙", "\u{0}", "the"] {
            let text = String(repeating: unit, count: 300_000)
            let ids = tokenizer.encode(text)
            #expect(tokenizer.decodeBytes(ids).elementsEqual(text.utf8))
            if let stories { #expect(stories.decode(stories.encode(text)).utf8.count >= text.utf8.count / 3) }
        }
    }

    @Test func manyThreadsMayUseOneTokenizer() async throws {
        let tokenizer = try smallTokenizer()
        let text = String(repeating: awkwardTexts.joined(separator: " "), count: 20)
        let expected = tokenizer.encode(text)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 { group.addTask { tokenizer.encode(text) == expected } }
            for await same in group { #expect(same) }
        }
    }
}
