public import QuintetFiles

extension Tokenizer {
    /// Loads a `tokenizer.json`, a tiktoken rank file or a SentencePiece BPE model, or the one in a folder, with the `tokenizer_config.json` beside it.
    ///
    /// Content, not name, tells the formats apart. `pattern` is for rank files, which do not say how words are cut.
    public static func load(_ path: String, pattern: PreTokenizationPattern? = nil) throws -> Tokenizer {
        let file = try Folder.isFolder(path) ? self.file(in: path) : path
        let configurationFile = Folder.join(Folder.parent(of: file), "tokenizer_config.json")
        let hasConfiguration = Folder.isFile(configurationFile) && file != configurationFile
        return try Tokenizer(
            definition(of: file, pattern: pattern), configuration: hasConfiguration ? JSON.read(configurationFile) : .null)
    }

    /// The tokenizer's file in a folder: tokenizer.json, or the only other file that can be one.
    private static func file(in folder: String) throws(FileError) -> String {
        let usual = Folder.join(folder, "tokenizer.json")
        if Folder.isFile(usual) { return usual }
        let others = try Folder.names(in: folder).filter { ["tiktoken", "model"].contains(Folder.fileExtension(of: $0)) }
        guard others.count == 1 else {
            throw FileError("there is no tokenizer in the folder", path: folder, expected: "a tokenizer.json or one rank file")
        }
        return Folder.join(folder, others[0])
    }

    private static func definition(of file: String, pattern: PreTokenizationPattern?) throws(FileError) -> TokenizerDefinition {
        let content = try readFile(file)
        let result = content.withUnsafeBytes { bytes -> Result<TokenizerDefinition, FileError> in
            do throws(FileError) {
                if RankFile.isRankFile(bytes) {
                    return .success(try RankFile.definition(bytes, pattern: pattern, source: file))
                }
                if SentencePieceFile.isSentencePiece(bytes) {
                    return .success(try SentencePieceFile.definition(bytes, source: file))
                }
                return .success(try TokenizerDefinition(JSON.parse(bytes, source: file), source: file))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Reads the text of a `tokenizer.json`.
    public convenience init(json text: String, source: String = "tokenizer.json") throws(FileError) {
        try self.init(TokenizerDefinition(JSON.parse(text, source: source), source: source))
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is created if need be.
    public func save(to folder: String) throws {
        try Folder.create(folder)
        for file in files { try AtomicFile.write(Folder.join(folder, file.name), file.text) }
    }

    /// The files of a tokenizer, for writers that put them into a folder of their own.
    public var files: [(name: String, text: String)] {
        [
            ("tokenizer.json", definition.json.serialized(pretty: true) + "\n"),
            ("tokenizer_config.json", savedConfiguration.serialized(pretty: true) + "\n"),
        ]
    }

    /// The configuration read, or one that `transformers` opens.
    private var savedConfiguration: JSON {
        if configuration.object != nil { return configuration }
        var members: JSON = ["tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false]
        for (key, id) in [("bos_token", bosID), ("eos_token", eosID), ("pad_token", padID), ("unk_token", unkID)] {
            if let id, let name = token(of: id) { members[key] = .string(name) }
        }
        return members
    }
}

extension TokenizerDefinition {
    /// The definition as a `tokenizer.json`, in one canonical order.
    var json: JSON {
        let order = ids.indices.sorted { ids[$0] < ids[$1] }
        var vocabulary = JSONObject()
        var names = [Int32: JSON](minimumCapacity: ids.count)
        for index in order {
            let name = String(decoding: tokens[index], as: UTF8.self)
            vocabulary[name] = JSON(ids[index])
            names[ids[index]] = .string(name)
        }
        var members = JSONObject()
        for (key, value) in model { members[key] = value }
        if members["type"] == nil { members["type"] = "BPE" }
        members["vocab"] = .object(vocabulary)
        members["merges"] = .array(merges.map { [names[$0.left] ?? .null, names[$0.right] ?? .null] })
        return [
            "version": "1.0", "truncation": truncation, "padding": padding,
            "added_tokens": .array(addedTokens.map(\.json)), "normalizer": normalizer, "pre_tokenizer": preTokenizer,
            "post_processor": postProcessor, "decoder": decoder, "model": .object(members),
        ]
    }
}
