import Foundation
import QuintetFiles
import QuintetTokenizers
import Testing

/// Every slot of the `tokenizers` format as the reference library has it: ids and texts of `slots.jsonl`, which
/// Tests/Interop/tokenizer_slots.py writes. `SLOTS` names a larger file of the same kind.
@Suite struct SlotTests {
    private static let file =
        ProcessInfo.processInfo.environment["SLOTS"] ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "slots.jsonl").path

    @Test func everySlotEqualsTheReference() throws {
        let rows = try String(decoding: readFile(Self.file), as: UTF8.self).split(separator: "\n").map { try JSON.parse(String($0)) }
        let models = try #require(rows.first?["models"])
        #expect(rows.count > 150)
        for row in rows.dropFirst() {
            let slots = try #require(row["case"])
            let model = try #require(models[slots["model"]?.string ?? ""])
            var definition: JSON = ["version": "1.0", "added_tokens": [], "model": model]
            for (key, value) in slots.object ?? [:] where key != "model" { definition[key] = value }
            let name = slots.serialized()
            guard let tokenizer = try? Tokenizer(json: definition.serialized()) else {
                Issue.record("not loaded: \(name)")
                continue
            }
            check(row, tokenizer, name)
        }
    }

    private func check(_ row: JSON, _ tokenizer: Tokenizer, _ name: String) {
        for (index, text) in (row["texts"]?.array ?? []).enumerated() {
            let ids = (row["ids"]?[index]?.array ?? []).compactMap { $0.int.map { Int32($0) } }
            let text = text.string ?? ""
            #expect(tokenizer.encode(text) == ids, "\(name) \(text.debugDescription)")
            let decoded = row["decoded"]?[index]?.string ?? ""
            #expect(
                Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8) == Array(decoded.utf8), "\(name) \(text.debugDescription) decoded")
        }
    }

    /// A mark that combines with the last character of the prefix before it is a token's first character, not the prefix's.
    @Test func prefixesOfMergesAreBytes() throws {
        let vocabulary = ###"{"a": 0, "##\u0301": 1, "a\u0301": 2}"###
        let model = ###"{"type": "BPE", "continuing_subword_prefix": "##", "vocab": \###(vocabulary), "merges": [["a", "##\u0301"]]}"###
        #expect(try Tokenizer(json: #"{"version": "1.0", "model": \#(model)}"#).encode("a\u{301}", addSpecialTokens: false) == [2])
    }

    /// A token that takes the blank behind it along leaves it to another one that begins with it (tokenizers 0.23).
    @Test func aBlankForTwo() throws {
        let tokens = #"[{"id": 2, "content": "<a>", "rstrip": true, "lstrip": false, "single_word": false, "normalized": false, "special": false}, {"id": 3, "content": " <b>", "rstrip": false, "lstrip": false, "single_word": false, "normalized": false, "special": false}]"#
        let model = #"{"type": "WordLevel", "vocab": {"foo": 0, "<unk>": 1}, "unk_token": "<unk>"}"#
        let tokenizer = try Tokenizer(json: #"{"version": "1.0", "added_tokens": \#(tokens), "pre_tokenizer": {"type": "Whitespace"}, "model": \#(model)}"#)
        #expect(tokenizer.encode("foo<a> <b>") == [0, 2, 3])
        #expect(tokenizer.encode("foo<a>  foo") == [0, 2, 0])
        #expect(tokenizer.encode("<a> <a> <b>") == [2, 2, 3])
    }
}
