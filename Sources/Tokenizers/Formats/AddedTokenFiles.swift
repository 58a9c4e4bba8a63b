import QuintetFiles

/// What lies beside a tokenizer's own file and adds tokens to it: `added_tokens_decoder` and the names of special tokens in tokenizer_config.json,
/// special_tokens_map.json, and the `added_tokens.json` of older folders.
struct AddedTokenFiles {
    private let configuration: JSON
    private let specialNames: Set<String>
    private let folder: String

    init(folder: String, configuration: JSON) throws(FileError) {
        self.folder = folder
        self.configuration = configuration
        specialNames = Self.names(in: configuration).union(Self.names(in: try Self.read("special_tokens_map.json", folder)))
    }

    /// Adds to a definition what its own file does not say. A tokenizer.json says all but tokens that go on behind its last id; a SentencePiece
    /// model, or a vocabulary with merges, has no words for special tokens that texts and templates spell.
    func add(to definition: inout TokenizerDefinition, isComplete: Bool) throws(FileError) {
        let tokens = try tokens()
        if isComplete { return addBehind(tokens, to: &definition) }
        fillSlots(&definition)
        let places = Dictionary(zip(definition.ids, definition.ids.indices)) { first, _ in first }
        for token in tokens { try add(token, to: &definition, places) }
        for name in specialNames.sorted() { markSpecial(name, in: &definition) }
        try definition.checkIDs()
    }

    // MARK: Files

    private static func read(_ name: String, _ folder: String) throws(FileError) -> JSON {
        let file = Folder.join(folder, name)
        return Folder.isFile(file) ? try JSON.read(file) : .null
    }

    private static func names(in json: JSON) -> Set<String> {
        let single = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"].compactMap { json[$0] }
        let names = (single + (json["additional_special_tokens"]?.array ?? [])).compactMap { $0.string ?? $0["content"]?.string }
        return Set(names.filter { !$0.isEmpty })
    }

    /// The tokens of both files in the order of their ids; what the configuration says of one counts.
    private func tokens() throws(FileError) -> [AddedToken] {
        var tokens: [Int32: AddedToken] = [:]
        for (text, id) in try Self.read("added_tokens.json", folder).object ?? [:] {
            var entry: JSON = ["content": .string(text), "special": .bool(specialNames.contains(text)), "normalized": false]
            entry["id"] = id
            let token = try AddedToken(entry, source: Folder.join(folder, "added_tokens.json"), field: text)
            tokens[token.id] = token
        }
        for (id, entry) in configuration["added_tokens_decoder"]?.object ?? [:] {
            var entry = entry
            entry["id"] = Int(id).map { JSON($0) } ?? .string(id)
            let token = try AddedToken(entry, source: Folder.join(folder, "tokenizer_config.json"), field: "added_tokens_decoder.\(id)")
            tokens[token.id] = token
        }
        return tokens.values.sorted { $0.id < $1.id }
    }

    // MARK: The definition

    private func addBehind(_ tokens: [AddedToken], to definition: inout TokenizerDefinition) {
        let known = Set(definition.addedTokens.map(\.content))
        var next = (definition.ids + definition.addedTokens.map(\.id)).max().map { $0 &+ 1 } ?? 0
        for token in tokens where token.id == next && !known.contains(token.content) && definition.tokens.index(of: token.content) == nil {
            definition.addedTokens.append(token)
            next &+= 1
        }
    }

    private func add(_ token: AddedToken, to definition: inout TokenizerDefinition, _ places: [Int32: Int]) throws(FileError) {
        var token = token
        token.normalized = false
        if let known = definition.tokens.index(of: token.content), definition.ids[known] != token.id {
            throw wrong(token, "\(definition.ids[known]), the id it has in the vocabulary")
        }
        if let other = places[token.id], !definition.tokens[other].elementsEqual(token.content.utf8) {
            throw wrong(token, "an id that no other token has: this is \(String(decoding: definition.tokens[other], as: UTF8.self))")
        }
        definition.addedTokens.removeAll { $0.id == token.id || $0.content == token.content }
        definition.addedTokens.append(token)
    }

    private func wrong(_ token: AddedToken, _ expected: String) -> FileError {
        FileError("an added token does not fit the vocabulary", path: folder, field: token.content, expected: expected, found: "\(token.id)")
    }

    private func markSpecial(_ name: String, in definition: inout TokenizerDefinition) {
        if let index = definition.addedTokens.firstIndex(where: { $0.content == name }) {
            definition.addedTokens[index].isSearched = true
        } else if let known = definition.tokens.index(of: name) {
            definition.addedTokens.append(AddedToken(id: definition.ids[known], content: name))
        }
    }

    /// What the class of a tokenizer says and its vocabulary does not: how Qwen cuts words, where Llama puts a blank.
    private func fillSlots(_ definition: inout TokenizerDefinition) {
        let name = configuration["tokenizer_class"]?.string ?? ""
        if definition.kind == .bpe, name.hasPrefix("Qwen2"), definition.pieceRoles.isEmpty {
            let slots = TokenizerDefinition(slotsFor: .qwen2)
            (definition.preTokenizer, definition.decoder, definition.postProcessor) = (slots.preTokenizer, slots.decoder, slots.postProcessor)
            definition.normalizer = ["type": "NFC"]
        }
        let prepends = definition.normalizer["normalizers"]?.array?.first?["type"]?.string == "Prepend"
        if name.hasPrefix("Llama"), configuration["legacy"]?.bool == false, prepends {
            definition.normalizer = .null
            definition.preTokenizer = ["type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false]
        }
    }
}
