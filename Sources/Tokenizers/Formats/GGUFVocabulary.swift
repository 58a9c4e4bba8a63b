public import QuintetFiles

/// What the metadata of a GGUF file says about its tokenizer (`tokenizer.ggml.*`), checked for nothing yet.
///
/// ```swift
/// let tokenizer = try Tokenizer(vocabulary)      // from a file
/// let vocabulary = try tokenizer.ggufVocabulary  // for a file
/// ```
public struct GGUFVocabulary: Sendable {
    /// `llama` (SentencePiece BPE with scores) or `gpt2` (byte-level BPE with merges).
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
    public var addsBOS: Bool?
    public var addsEOS: Bool?
    public var addsSpacePrefix: Bool?
    public var chatTemplate: String?
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

    func definition() throws(FileError) -> TokenizerDefinition {
        try check()
        switch model {
        case "llama": return try SentencePieceFile.definition(self)
        case "gpt2": return try byteLevel()
        default: throw wrong("model", "llama or gpt2", model)
        }
    }

    private func check() throws(FileError) {
        guard !tokens.isEmpty, tokens.count < 1 << 24 else { throw wrong("tokens", "1 to \(1 << 24)", "\(tokens.count)") }
        guard kinds.isEmpty || kinds.count == tokens.count else { throw wrong("token_type", "\(tokens.count) kinds", "\(kinds.count)") }
        guard scores.isEmpty || scores.count == tokens.count else { throw wrong("scores", "\(tokens.count) scores", "\(scores.count)") }
        if let score = scores.first(where: { !$0.isFinite }) { throw wrong("scores", "finite numbers", "\(score)") }
        if model == "llama", let long = tokens.firstIndex(where: { !(1...512).contains($0.utf8.count) }) {
            throw wrong("tokens[\(long)]", "1 to 512 bytes", "\(tokens[long].utf8.count)")
        }
        for (name, id) in [("bos", bos), ("eos", eos), ("unknown", unknown), ("padding", padding)] {
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

    private func byteLevel() throws(FileError) -> TokenizerDefinition {
        let name = pre ?? "gpt-2"
        guard let cut = GGUFPreTokenizer.all.first(where: { $0.names.contains(name) }) else {
            throw wrong("pre", GGUFPreTokenizer.all.flatMap(\.names).joined(separator: ", "), name)
        }
        var definition = TokenizerDefinition(slotsFor: .gpt2)
        definition.source = source
        definition.preTokenizer = cut.slot
        definition.model["ignore_merges"] = .bool(cut.wholeWordsFirst)
        try addTokens(to: &definition)
        for (rank, merge) in merges.enumerated() {
            guard let (left, right, whole) = parts(merge, definition) else {
                throw wrong("merges[\(rank)]", "two tokens whose joined text is a token", merge)
            }
            definition.merges.append(.init(left: left, right: right, id: whole))
        }
        definition.postProcessor = frame(addsBOS ?? cut.beginsTexts)
        return definition
    }

    private func parts(_ merge: String, _ definition: TokenizerDefinition) -> (Int32, Int32, Int32)? {
        let parts = merge.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let left = definition.tokens.index(of: Substring(parts[0])), let right = definition.tokens.index(of: Substring(parts[1])),
            let whole = definition.tokens.index(of: Array(parts[0]) + Array(parts[1]))
        else { return nil }
        return (definition.ids[left], definition.ids[right], definition.ids[whole])
    }

    private func addTokens(to definition: inout TokenizerDefinition) throws(FileError) {
        for (id, token) in tokens.enumerated() {
            guard !token.isEmpty, definition.tokens.insert(token).isNew else { throw wrong("tokens[\(id)]", "a text that no other token has", token) }
            definition.ids.append(Int32(id))
        }
        definition.addedTokens = addedTokens
    }

    /// Control tokens are skipped when decoding; both these and the user's own are found in text before anything else.
    var addedTokens: [AddedToken] {
        tokens.indices.compactMap { id in
            guard [.control, .userDefined, .unknown].contains(kind(id)), tokens[id].utf8.count <= AddedToken.longest else { return nil }
            var token = AddedToken(id: Int32(id), content: tokens[id])
            token.special = kind(id) != .userDefined
            return token
        }
    }

    /// What stands around a text.
    func frame(_ begins: Bool) -> JSON {
        let before = begins ? bos : nil
        let after = addsEOS == true ? eos : nil
        guard before != nil || after != nil else { return .null }
        func piece(_ id: Int?) -> [JSON] { id.map { [["SpecialToken": ["id": .string(tokens[$0]), "type_id": 0]]] } ?? [] }
        let single = JSON.array(piece(before) + [["Sequence": ["id": "A", "type_id": 0]]] + piece(after))
        var special = JSONObject()
        for id in [before, after].compactMap({ $0 }) {
            special[tokens[id]] = ["id": .string(tokens[id]), "ids": [JSON(id)], "tokens": [.string(tokens[id])]]
        }
        return ["type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": .object(special)]
    }

    func wrong(_ field: String, _ expected: String, _ found: String) -> FileError {
        FileError("this tokenizer is not supported", path: source, field: "tokenizer.ggml.\(field)", expected: expected, found: found)
    }
}
