import QuintetFiles

/// The ways of cutting text into words that GGUF files name in `tokenizer.ggml.pre`, and the slot of a tokenizer.json that says the same.
struct GGUFPreTokenizer: Sendable {
    /// llama.cpp's names; the first one is written.
    let names: [String]
    let slot: JSON
    /// A word that is a token is that token, whatever its merges.
    var wholeWordsFirst = false
    /// Texts begin with the first token unless the file says otherwise.
    var beginsTexts = false

    static let all: [GGUFPreTokenizer] = [
        GGUFPreTokenizer(names: ["gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "roberta-bpe"], slot: byteLevel(true)),
        GGUFPreTokenizer(names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"], slot: split(.llama3), wholeWordsFirst: true, beginsTexts: true),
        GGUFPreTokenizer(names: ["dbrx", "smaug-bpe"], slot: split(.llama3)),
        GGUFPreTokenizer(names: ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "kormo"], slot: split(.qwen2)),
        GGUFPreTokenizer(names: ["gpt-4o", "llama4"], slot: split(.o200k)),
        GGUFPreTokenizer(names: ["tekken"], slot: split(.tekken), wholeWordsFirst: true, beginsTexts: true),
        GGUFPreTokenizer(
            names: ["starcoder", "refact", "command-r", "smollm", "codeshell", "minerva-7b"],
            slot: sequence([["type": "Digits", "individual_digits": true], byteLevel(true)])),
        GGUFPreTokenizer(
            names: ["falcon"],
            slot: sequence([
                ["type": "Punctuation", "behavior": "Contiguous"], byteLevel(true), ["type": "Digits", "individual_digits": false],
                ["type": "Split", "pattern": ["Regex": "[0-9][0-9][0-9]"], "behavior": "Isolated", "invert": false],
            ])),
    ]

    private static func byteLevel(_ usesPattern: Bool) -> JSON {
        ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": .bool(usesPattern)]
    }

    private static func split(_ pattern: PreTokenizationPattern) -> JSON {
        sequence([["type": "Split", "pattern": ["Regex": .string(pattern.regex)], "behavior": "Isolated", "invert": false], byteLevel(false)])
    }

    private static func sequence(_ steps: [JSON]) -> JSON { ["type": "Sequence", "pretokenizers": .array(steps)] }
}
