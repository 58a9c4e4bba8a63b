public import QuintetFiles

/// Text to token ids and back, exactly as the `tokenizer.json` it was loaded from (or trained to) says.
///
/// ```swift
/// let tokenizer = try Tokenizer.load("model")          // a folder or a tokenizer.json
/// let ids = tokenizer.encode("Hello, world")           // [Int32]
/// print(tokenizer.decode(ids))
/// ```
/// One instance may be used from many threads at once.
public final class Tokenizer: Sendable {
    let definition: TokenizerDefinition
    /// `tokenizer_config.json` as read (special token names, chat template), or null.
    public let configuration: JSON
    let normalizer: Normalizer?
    let plan: WordPlan
    let model: TokenModel
    let decodePlan: DecodePlan
    /// Ids put before and after a text by `addSpecialTokens`.
    let frame: (before: [Int32], after: [Int32])
    /// What the file says of longest and shortest texts.
    let limits: LengthLimits
    let rawSearch: AddedTokenSearch
    let normalizedSearch: AddedTokenSearch
    private let names: [String?]
    private let special: [Bool]
    let scratch = Guarded<[EncodeScratch]>([])
    private let cachedFingerprint = Guarded<String?>(nil)

    /// Beginning of text, end of text, padding and unknown: by the configuration, else by the usual names.
    public let bosID: Int32?
    public let eosID: Int32?
    public let padID: Int32?
    public let unkID: Int32?

    /// The file that it was read from, for messages.
    public var source: String { definition.source }

    init(_ definition: TokenizerDefinition, configuration: JSON = .null) throws(FileError) {
        let source = definition.source
        self.definition = definition
        self.configuration = configuration
        normalizer = try Normalizer.read(definition.normalizer, source: source)
        var plan = try PreTokenizer.read(definition.preTokenizer, source: source)?.plan() ?? WordPlan()
        model = try TokenModel(definition, alphabet: plan.alphabet)
        if case .none = plan.lead, case .bpe(let bpe) = model, plan.alphabet == .characters, !bpe.looksUpWholeWords,
            MetaspaceWords.isExact(for: definition)
        {
            plan.lead = .metaspaceRuns
        }
        self.plan = plan
        let texts = Self.texts(of: definition)
        decodePlan = DecodePlan(try Decoder.read(definition.decoder, source: source), names: texts)
        names = texts.map { $0.map { String(decoding: $0, as: UTF8.self) } }
        special = Self.specialFlags(definition, count: texts.count)
        frame = try PostProcessor.read(definition.postProcessor, source: source)?.frame ?? ([], [])
        limits = try LengthLimits(definition)
        (rawSearch, normalizedSearch) = Self.searches(definition, normalizer)
        let named = SpecialTokenNames(configuration)
        let find = { (candidates: [String]) in candidates.lazy.compactMap { Self.id(of: $0, in: definition) }.first }
        bosID = find(named.bos)
        eosID = find(named.eos)
        padID = find(named.pad)
        unkID = find(named.unk + [definition.model["unk_token"]?.string].compactMap { $0 })
        try checkFrame(source)
    }

    /// One more than the highest id.
    public var vocabularySize: Int { names.count }

    /// Id of a token by its text in the vocabulary (`Ġthe`, `▁the`, `<|endoftext|>`).
    public func id(of token: String) -> Int32? { Self.id(of: token, in: definition) }

    /// Text of a token in the vocabulary; nil for an id that is not there.
    public func token(of id: Int32) -> String? { names.indices.contains(Int(id)) ? names[Int(id)] : nil }

    /// True for tokens that `decode(skipSpecialTokens: true)` leaves out.
    public func isSpecial(_ id: Int32) -> Bool { special.indices.contains(Int(id)) && special[Int(id)] }

    /// The added tokens, in the file's order.
    public var addedTokens: [AddedToken] { definition.addedTokens }

    /// SHA-256 of the canonical definition: equal fingerprints give equal ids for every text.
    public var fingerprint: String {
        cachedFingerprint.withLock { cached in
            if let cached { return cached }
            let digest = sha256(definition.json.serialized())
            cached = digest
            return digest
        }
    }
}

extension Tokenizer {
    private static func id(of token: String, in definition: TokenizerDefinition) -> Int32? {
        if let index = definition.tokens.index(of: token) { return definition.ids[index] }
        return definition.addedTokens.first { $0.content.utf8.elementsEqual(token.utf8) }?.id
    }

    /// The text of every id; added tokens win.
    private static func texts(of definition: TokenizerDefinition) -> [ArraySlice<UInt8>?] {
        let highest = max(definition.ids.max() ?? -1, definition.addedTokens.map(\.id).max() ?? -1)
        var texts = [ArraySlice<UInt8>?](repeating: nil, count: Int(highest) + 1)
        for (index, id) in definition.ids.enumerated() { texts[Int(id)] = definition.tokens[index] }
        for token in definition.addedTokens { texts[Int(token.id)] = Array(token.content.utf8)[...] }
        return texts
    }

    private static func specialFlags(_ definition: TokenizerDefinition, count: Int) -> [Bool] {
        var flags = [Bool](repeating: false, count: count)
        for token in definition.addedTokens where token.special { flags[Int(token.id)] = true }
        return flags
    }

    private static func searches(
        _ definition: TokenizerDefinition, _ normalizer: Normalizer?
    ) -> (AddedTokenSearch, AddedTokenSearch) {
        let raw = definition.addedTokens.filter { !$0.normalized && $0.isSearched }
        let normalized = definition.addedTokens.filter { $0.normalized && $0.isSearched }
        let contents = normalized.map { token in
            let bytes = Array(token.content.utf8)
            return normalizer?.apply(to: bytes) ?? bytes
        }
        return (
            AddedTokenSearch(raw, contents: raw.map { Array($0.content.utf8) }),
            AddedTokenSearch(normalized, contents: contents)
        )
    }

    private func checkFrame(_ source: String) throws(FileError) {
        guard let bad = (frame.before + frame.after).first(where: { token(of: $0) == nil }) else { return }
        throw FileError(
            "the post-processor names an id that is not in the vocabulary", path: source, field: "post_processor",
            expected: "0 to \(vocabularySize - 1)", found: "\(bad)")
    }
}

/// Names of the special tokens: those of `tokenizer_config.json`, else the usual ones.
struct SpecialTokenNames {
    let bos: [String]
    let eos: [String]
    let pad: [String]
    let unk: [String]

    init(_ configuration: JSON) {
        func named(_ key: String, _ usual: [String]) -> [String] {
            guard let value = configuration[key] else { return usual }
            return (value.string ?? value["content"]?.string).map { [$0] } ?? []
        }
        let isConfigured = configuration.object != nil
        bos = named("bos_token", isConfigured ? [] : ["<s>", "<|begin_of_text|>", "<bos>", "<|startoftext|>"])
        eos = named("eos_token", ["<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>"])
        pad = named("pad_token", ["<pad>", "[PAD]", "<|padding|>"])
        unk = named("unk_token", ["<unk>", "[UNK]"])
    }
}
