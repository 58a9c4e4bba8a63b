public import QuintetFiles

extension Tokenizer {
    /// Loads a tokenizer file of any known format, or the one in a folder, with the `tokenizer_config.json` beside it.
    ///
    /// Content, not name, tells the formats apart: a tokenizer.json, a SentencePiece model, a tiktoken rank file, a vocab.txt, a
    /// vocab.json with its merges.txt, and a few rarer ones. `pattern` is for rank files, which do not say how words are cut.
    public static func load(_ path: String, pattern: PreTokenizationPattern? = nil) throws -> Tokenizer {
        let file = try Folder.isFolder(path) ? TokenizerFile.find(in: path) : path
        let folder = Folder.parent(of: file), configurationFile = Folder.join(folder, "tokenizer_config.json")
        let hasConfiguration = Folder.isFile(configurationFile) && file != configurationFile
        let configuration = hasConfiguration ? try JSON.read(configurationFile) : .null
        var definition = try TokenizerFile(path: file, pattern: pattern).definition()
        let isComplete = Folder.name(of: file) == "tokenizer.json"
        try AddedTokenFiles(folder: folder, configuration: configuration).add(to: &definition, isComplete: isComplete)
        return try Tokenizer(definition, configuration: configuration)
    }

    /// Reads the text of a `tokenizer.json`.
    public convenience init(json text: String, source: String = "tokenizer.json") throws(FileError) {
        try self.init(TokenizerDefinition(JSON.parse(text, source: source), source: source))
    }

    /// Reads the contents of a tokenizer file of any known format.
    public convenience init(contents: [UInt8], source: String = "tokenizer", pattern: PreTokenizationPattern? = nil) throws(FileError) {
        try self.init(TokenizerFile(path: source, pattern: pattern).definition(contents))
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
