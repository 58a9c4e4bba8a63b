import QuintetFiles
import QuintetTokenizers
import Testing

/// Long texts, whose stretches threads encode: the ids are those of one thread.
@Suite struct ThreadTests {
    private static let text: String = {
        let words = ["the", "river", "Don't", "12345", "été", "日本", "\n\n", "  ", "<s>", "a", "-- ", "<sx"]
        var state: UInt64 = 7
        var text = ""
        while text.utf8.count < 700_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += (state >> 60 > 3 ? " " : "") + words[Int(state >> 33) % (state >> 50 == 0 ? words.count : 8)]
        }
        return text + " <s>" + text
    }()

    private static func tokenizer(_ change: (inout JSON) -> Void = { _ in }) throws -> Tokenizer {
        var trainer = BPETrainer(vocabularySize: 330, specialTokens: ["<s>"])
        trainer.add("the river of the river, Don't 12 345 and the")
        var json = try trainer.train().json
        change(&json)
        return try Tokenizer(json: json.serialized())
    }

    @Test func idsDoNotDependOnThreads() throws {
        let tokenizer = try Self.tokenizer(), bytes = Array(Self.text.utf8)
        for count in [0, 1000, 131_072, 200_000, bytes.count] {
            func ids(_ threads: Int) -> [Int32] {
                var ids: [Int32] = [7]
                bytes[..<count].withUnsafeBytes { tokenizer.encode(bytes: $0, into: &ids, threads: threads) }
                return ids
            }
            let one = ids(1)
            for threads in [2, 3, 16] { #expect(ids(threads) == one, "\(count) bytes, \(threads) threads") }
            #expect(tokenizer.decodeBytes(Array(one.dropFirst()), skipSpecialTokens: false) == Array(bytes[..<count]))
        }
    }

    @Test func cutsAndFillsWhatThreadsFound() throws {
        for direction: JSON in ["Left", "Right"] {
            let tokenizer = try Self.tokenizer {
                $0["truncation"] = ["direction": direction, "max_length": 150_000, "strategy": "LongestFirst", "stride": 0]
                $0["padding"] = ["strategy": ["Fixed": 150_001], "direction": direction, "pad_id": 0, "pad_type_id": 0, "pad_token": "<s>"]
            }
            func ids(_ threads: Int) -> [Int32] {
                var ids: [Int32] = [9, 9]
                Array(Self.text.utf8).withUnsafeBytes { tokenizer.encode(bytes: $0, into: &ids, threads: threads) }
                return ids
            }
            #expect(ids(4) == ids(1) && ids(1).count == 150_003 && ids(1).prefix(2) == [9, 9])
        }
    }
}
