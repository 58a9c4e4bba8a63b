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
        GGUFPreTokenizer(
            names: [
                "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "trillion", "roberta-bpe", "granite-docling", "jina-es", "jina-de",
                "jina-v2-es", "jina-v2-de", "jina-v2-code", "gigachat", "modern-bert", "a.x-4.0", "mellum", "exaone4",
            ], slot: byteLevel(true)),
        GGUFPreTokenizer(
            names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"], slot: split(.llama3),
            wholeWordsFirst: true, beginsTexts: true),
        GGUFPreTokenizer(names: ["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], slot: split(.llama3)),
        GGUFPreTokenizer(
            names: [
                "qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "kormo", "hunyuan", "bailingmoe", "bailingmoe2", "llada-moe", "grok-2",
            ], slot: split(.qwen2)),
        GGUFPreTokenizer(names: ["gpt-4o", "llama4"], slot: split(.o200k)),
        GGUFPreTokenizer(names: ["tekken"], slot: split(.tekken), wholeWordsFirst: true, beginsTexts: true),
        GGUFPreTokenizer(
            names: ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"],
            slot: sequence([["type": "Digits", "individual_digits": true], byteLevel(true)])),
        GGUFPreTokenizer(
            names: ["falcon"],
            slot: sequence([
                ["type": "Punctuation", "behavior": "Contiguous"], byteLevel(true), ["type": "Digits", "individual_digits": false],
                ["type": "Split", "pattern": ["Regex": "[0-9][0-9][0-9]"], "behavior": "Isolated", "invert": false],
            ])),
        GGUFPreTokenizer(
            names: ["default"],
            slot: splits([#"[\p{P}\$\+<=>\^~\|]+"#, PreTokenizationPattern.gpt2.regex, #"\p{N}+"#, "[0-9][0-9][0-9]"])),
        GGUFPreTokenizer(
            names: ["deepseek-llm"],
            slot: splits([
                "[\r\n]", #"\s?[\p{Lu}\p{Ll}\p{Lt}]+"#, #"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+"#, #"\s+$"#, #"[一-龥ࠀ-一가-\uD7FF]+"#, #"\p{N}+"#,
            ])),
        GGUFPreTokenizer(
            names: ["deepseek-coder"], slot: splits(["[\r\n]", #"\s?\p{L}+"#, #"\s?\p{P}+"#, #"[一-龥ࠀ-一가-\uD7FF]+"#, #"\p{N}"#])),
        GGUFPreTokenizer(
            names: ["deepseek-v3", "hunyuan-dense"],
            slot: splits([
                #"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+",
                ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"##
                    + #"\s*[\r\n]+|\s+(?!\S)|\s+"#,
            ])),
        GGUFPreTokenizer(names: ["bloom", "gpt3-finnish", "poro-chat"], slot: splits([bloom])),
        GGUFPreTokenizer(names: ["viking"], slot: splits([bloom, #"\p{N}"#])),
        GGUFPreTokenizer(names: ["superbpe"], slot: splits([#"\p{N}+"#, #"(?=(\d{3})+(?!\d))"#])),
        GGUFPreTokenizer(
            names: ["seed-coder"],
            slot: splits([
                #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"#
            ])),
    ]

    private static let bloom = #" ?[^(\s|.,!?…。，、।۔،)]+"#

    private static func byteLevel(_ usesPattern: Bool) -> JSON {
        ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": .bool(usesPattern)]
    }

    private static func split(_ pattern: PreTokenizationPattern) -> JSON { splits([pattern.regex]) }

    private static func splits(_ regexes: [String]) -> JSON {
        sequence(
            regexes.map { ["type": "Split", "pattern": ["Regex": .string($0)], "behavior": "Isolated", "invert": false] } + [byteLevel(false)])
    }

    private static func sequence(_ steps: [JSON]) -> JSON { ["type": "Sequence", "pretokenizers": .array(steps)] }
}
