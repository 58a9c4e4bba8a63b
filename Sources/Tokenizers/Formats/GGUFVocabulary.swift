public import QuintetFiles

/// What the metadata of a GGUF file says about its tokenizer (`tokenizer.ggml.*`), checked for nothing yet.
///
/// ```swift
/// let tokenizer = try Tokenizer(vocabulary)      // from a file
/// let vocabulary = try tokenizer.ggufVocabulary  // for a file
/// ```
public struct GGUFVocabulary: Sendable {
    /// `llama` (SentencePiece BPE with scores), `gpt2` (byte-level BPE with merges), `bert` (WordPiece) or `t5` (Unigram).
    public var model: String
    /// How text is cut into words, by llama.cpp's name: `llama-bpe`, `qwen2`.
    public var pre: String?
    public var tokens: [String]
    /// One a token for `llama`, empty for `gpt2`.
    public var scores: [Float]
    /// Kinds of tokens, see `Kind`; empty means all normal.
    public var kinds: [Int]
    /// "left right", by rank.
    public var merges: [String]
    public var bos: Int?
    public var eos: Int?
    public var unknown: Int?
    public var padding: Int?
    /// `seperator_token_id` (so spelled) and `cls_token_id`, for `bert`.
    public var separator: Int?
    public var classifier: Int?
    public var addsBOS: Bool?
    public var addsEOS: Bool?
    public var addsSpacePrefix: Bool?
    public var removesExtraSpaces: Bool?
    /// `precompiled_charsmap`.
    public var characterMap: [UInt8] = []
    public var chatTemplate: String?
    /// The model's name (`general.name`): some tokenizers have habits that no key says.
    public var name: String?
    /// The file it comes from, for errors.
    public var source: String

    /// Numbers of `tokenizer.ggml.token_type`.
    public enum Kind: Int, Sendable {
        case normal = 1, unknown, control, userDefined, unused, byte
    }

    public init(model: String, tokens: [String], source: String) {
        self.model = model
        self.tokens = tokens
        self.source = source
        scores = []
        kinds = []
        merges = []
    }

    func kind(_ id: Int) -> Kind { kinds.indices.contains(id) ? Kind(rawValue: kinds[id]) ?? .normal : .normal }
}

extension Tokenizer {
    /// The tokenizer of a GGUF file.
    /// - Throws: `FileError` where counts differ, an id lies outside, a merge or byte token means nothing, or the kind is not supported.
    public convenience init(_ vocabulary: GGUFVocabulary) throws(FileError) {
        try self.init(try vocabulary.definition(), configuration: vocabulary.configuration)
    }
}

extension GGUFVocabulary {
    /// The special tokens and the chat template, as tokenizer_config.json would say them.
    public var configuration: JSON {
        func text(_ id: Int?) -> JSON { id.flatMap { tokens.indices.contains($0) ? .string(tokens[$0]) : nil } ?? .null }
        var members: JSONObject = [
            "bos_token": text(bos), "eos_token": text(eos), "unk_token": text(unknown), "pad_token": text(padding),
        ]
        if let chatTemplate { members["chat_template"] = .string(chatTemplate) }
        if let addsBOS { members["add_bos_token"] = .bool(addsBOS) }
        if let addsEOS { members["add_eos_token"] = .bool(addsEOS) }
        return .object(members)
    }

    func check() throws(FileError) {
        guard !tokens.isEmpty, tokens.count < 1 << 24 else { throw wrong("tokens", "1 to \(1 << 24)", "\(tokens.count)") }
        guard kinds.isEmpty || kinds.count == tokens.count else { throw wrong("token_type", "\(tokens.count) kinds", "\(kinds.count)") }
        guard scores.isEmpty || scores.count == tokens.count else { throw wrong("scores", "\(tokens.count) scores", "\(scores.count)") }
        if let score = scores.first(where: { !$0.isFinite }) { throw wrong("scores", "finite numbers", "\(score)") }
        if model == "llama" || model == "t5", let long = tokens.firstIndex(where: { !(1...512).contains($0.utf8.count) }) {
            throw wrong("tokens[\(long)]", "1 to 512 bytes", "\(tokens[long].utf8.count)")
        }
        let named = [("bos", bos), ("eos", eos), ("unknown", unknown), ("padding", padding), ("seperator", separator), ("cls", classifier)]
        for (name, id) in named {
            if let id, !tokens.indices.contains(id) { throw wrong("\(name)_token_id", "0 to \(tokens.count - 1)", "\(id)") }
        }
        for id in tokens.indices where kind(id) == .byte && Self.byte(tokens[id]) == nil {
            throw wrong("tokens[\(id)]", "<0x00> to <0xFF>", tokens[id])
        }
    }

    /// The byte that `<0x41>` stands for.
    static func byte(_ token: String) -> UInt8? {
        guard token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">") else { return nil }
        let digits = token.dropFirst(3).dropLast()
        return digits.allSatisfy(\.isHexDigit) ? UInt8(digits, radix: 16) : nil
    }

    func wrong(_ field: String, _ expected: String, _ found: String) -> FileError {
        FileError("this tokenizer is not supported", path: source, field: "tokenizer.ggml.\(field)", expected: expected, found: found)
    }
}
