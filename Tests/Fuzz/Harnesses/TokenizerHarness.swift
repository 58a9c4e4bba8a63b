import QuintetFiles
import QuintetTokenizers

extension Harness {
    /// Tokenizer files of all formats, then encoding and decoding with what loads.
    static let tokenizer = Harness("tokenizer", seeds: tokenizerSeeds) { bytes in
        let tokenizer = try Tokenizer(contents: bytes, source: "fuzz")
        for text in texts {
            let ids = tokenizer.encode(text)
            _ = tokenizer.decode(ids)
            var stream = tokenizer.makeStreamingDecoder(skipSpecialTokens: false)
            for id in ids { _ = stream.append(id) }
            _ = stream.finish()
        }
        _ = tokenizer.files
    }

    /// SentencePiece models; the same reader, from seeds of that kind.
    static let sentencePiece = Harness("sentencepiece", seeds: [pieces], feed: tokenizer.feed)

    /// A regex (up to the first line feed) on a text (the rest): matches come in order and end.
    static let regex = Harness("regex", seeds: [#"\s+(?!\S)|[^\r\n\p{L}]?\p{L}+|\p{N}{1,3}"#, "(a|ab)(c|bcd)*?$", "[[:alpha:]&&[^a-c]]+"].map { Array(($0 + "\nabc d12").utf8) }) { bytes in
        let regex = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
        let text = String(decoding: bytes.drop { $0 != 10 }.dropFirst(), as: UTF8.self)
        let split: JSON = ["type": "Split", "pattern": ["Regex": .string(regex)], "behavior": "Isolated"]
        let model: JSON = ["type": "BPE", "vocab": ["a": 0, "b": 1], "merges": []]
        let tokenizer = try Tokenizer(json: (["pre_tokenizer": split, "model": model] as JSON).serialized())
        _ = tokenizer.encode(text)
    }

    private static let texts = ["", " a  bc\n1,234 don't \u{1F999}\u{200D}e\u{301}日本\u{0}<s>", "\u{FFFD}▁▁x<0x41>"]

    private static let pieces: [UInt8] = {
        func piece(_ text: String, _ type: UInt8) -> [UInt8] {
            let message = [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15, 0, 0, 0x80, 0xBF, 0x18, type]
            return [0x0A, UInt8(message.count)] + message
        }
        return piece("<unk>", 2) + piece("<s>", 3) + piece("▁", 1) + piece("a", 1) + piece("▁a", 1) + piece("x", 4) + [0x12, 2, 0x18, 1]
            + [0x1A, 4, 0x18, 1, 0x20, 1]
    }()

    private static let tokenizerSeeds: [[UInt8]] = [
        #"{"added_tokens":[{"id":3,"content":"<s>","special":true,"lstrip":true}],"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":"\\s+"},"content":"_"},{"type":"BertNormalizer"}]},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+"},"behavior":"MergedWithNext","invert":true},{"type":"ByteLevel"}]},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[3]}}},"decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}"#,
        #"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAA="},"pre_tokenizer":{"type":"Metaspace","prepend_scheme":"first"},"decoder":{"type":"Metaspace"},"model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["a",-1.5],["▁a",-2]]}}"#,
        ###"{"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece"},"truncation":{"max_length":4},"padding":{"strategy":{"Fixed":6},"pad_id":0},"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"##b":2}}}"###,
        "YQ== 0\nYg== 1\nYWI= 2\n", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n", "1 'a' 1\n2 b'\\xff' 1\n3 '\\u0430' 2\n",
        #"{"pat_str":"\\w+","special_tokens":{"<s>":0},"bpe_ranks":"! 1 YQ== Yg== YWI="}"#,
    ].map { Array($0.utf8) } + [pieces, [3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0] + Array("<unk>".utf8) + [0, 0, 0, 0, 1, 0, 0, 0, 0x61]]
}
