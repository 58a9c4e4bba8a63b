public import QuintetFiles

extension Tokenizer {
    /// Loads a `tokenizer.json`, or the one in a folder, with the `tokenizer_config.json` beside it.
    public static func load(_ path: String) throws -> Tokenizer {
        let isFolder = Folder.isFolder(path)
        let file = isFolder ? Folder.join(path, "tokenizer.json") : path
        let folder = isFolder ? path : Folder.parent(of: path)
        let configurationFile = Folder.join(folder, "tokenizer_config.json")
        let hasConfiguration = Folder.isFile(configurationFile)
        return try Tokenizer(
            TokenizerDefinition(JSON.read(file), source: file),
            configuration: hasConfiguration ? JSON.read(configurationFile) : .null)
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
