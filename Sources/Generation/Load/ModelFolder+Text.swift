import QuintetCheckpoints
import QuintetLayers
public import QuintetFiles
public import QuintetModels
public import QuintetTokenizers

extension ModelFolder {
    /// The model's tokenizer: the folder's files, or what a GGUF file's metadata says.
    public func tokenizer() throws -> Tokenizer {
        switch source {
        case .folder: try Tokenizer.load(path)
        case .gguf(let file, _): try Tokenizer(try GGUFVocabulary(file))
        }
    }

    /// What the model says about making text from it.
    public func generationConfig() throws(FileError) -> GenerationConfig {
        var config =
            switch source {
            case .folder: try GenerationConfig.read(folder: path)
            case .gguf(let file, _): try GenerationConfig(file)
            }
        if config.eos.isEmpty { config.eos = tokens.eos }
        config.bos = config.bos ?? tokens.bos
        return config
    }

    /// generation_config.json as it lies in the folder; empty where there is none.
    public func generationFields() throws(FileError) -> JSONObject {
        let file = Folder.join(path, "generation_config.json")
        guard case .folder = source, Folder.isFile(file) else { return [:] }
        return try JSON.read(file).object ?? [:]
    }
}

extension ModelFolder {
    /// The files of the model's tokenizer and its chat template, for another folder: those of a folder are copied byte for byte.
    public func tokenizerFiles() throws -> [(name: String, bytes: [UInt8])] {
        if case .folder = source {
            let names = [
                "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "vocab.json", "merges.txt",
                "tokenizer.model", "added_tokens.json",
            ]
            return try names.compactMap { name in
                let file = Folder.join(path, name)
                return Folder.isFile(file) ? (name, try readFile(file)) : nil
            }
        }
        guard let tokenizer = try? tokenizer() else { return [] }
        var files = [("tokenizer.json", tokenizer.json.serialized() + "\n")]
        var configuration = tokenizer.configuration
        configuration["tokenizer_class"] = "PreTrainedTokenizerFast"
        configuration["model_max_length"] = JSON(spec.context)
        if let template = configuration["chat_template"]?.string { files.append(("chat_template.jinja", template)) }
        files.append(("tokenizer_config.json", configuration.serialized(pretty: true) + "\n"))
        return files.map { ($0.0, Array($0.1.utf8)) }
    }

    /// How conversations are told to this model.
    public func chatEncoder() throws -> ChatEncoder {
        let tokenizer = try tokenizer()
        return ChatEncoder(tokenizer, try ChatTemplates.read(folder: path, configuration: tokenizer.configuration))
    }
}

extension Tokenizer {
    /// Opens a tokenizer wherever it lies: a tokenizer's file or folder, a model folder, a GGUF file (one with nothing but a vocabulary, too).
    public static func open(_ path: String, pattern: PreTokenizationPattern? = nil) throws -> Tokenizer {
        let file = try loneGGUF(in: path) ?? path
        return GGUFFile.isGGUF(file) ? try Tokenizer(try GGUFVocabulary(try GGUFFile.open(file))) : try Tokenizer.load(path, pattern: pattern)
    }

    /// The GGUF file of a folder that holds one, and nothing by a tokenizer's usual names.
    private static func loneGGUF(in folder: String) throws -> String? {
        guard Folder.isFolder(folder) else { return nil }
        let names = try Folder.names(in: folder), files = names.filter(GGUFFile.isName)
        let usual = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"]
        return files.count == 1 && !usual.contains(where: names.contains) ? Folder.join(folder, files[0]) : nil
    }
}

extension GenerationConfig {
    /// `general.sampling.*` of a GGUF file; greedy where it says nothing.
    init(_ file: GGUFFile) throws(FileError) {
        var json: JSONObject = [:]
        for (key, field) in [("temp", "temperature"), ("top_k", "top_k"), ("top_p", "top_p"), ("min_p", "min_p"), ("penalty_repeat", "repetition_penalty")] {
            if let value = file["general.sampling.\(key)"]?.json { json[field] = value }
        }
        if let temperature = json["temperature"]?.double { json["do_sample"] = .bool(temperature > 0) }
        try self.init(.object(json), path: file.path)
    }
}

extension GGUFVocabulary {
    /// Reads the `tokenizer.*` keys of a file.
    init(_ file: GGUFFile) throws(FileError) {
        func value(_ key: String) -> JSON? { file["tokenizer.ggml.\(key)"]?.json }
        let tokens = try file.strings("tokenizer.ggml.tokens")
        guard let model = value("model")?.string, !tokens.isEmpty else {
            throw FileError("the file holds no tokenizer", path: file.path, field: "tokenizer.ggml.tokens", expected: "a vocabulary", found: "nothing")
        }
        self.init(model: model, tokens: tokens, source: file.path)
        pre = value("pre")?.string
        scores = try file.floats("tokenizer.ggml.scores")
        kinds = try file.integers("tokenizer.ggml.token_type")
        merges = try file.strings("tokenizer.ggml.merges")
        func id(_ name: String) -> Int? { value("\(name)_token_id")?.int }
        (bos, eos, unknown, padding) = (id("bos"), id("eos"), id("unknown"), id("padding"))
        // Files spell the separator's key both ways.
        (classifier, separator) = (id("cls"), id("seperator") ?? id("separator"))
        (addsBOS, addsEOS) = (value("add_bos_token")?.bool, value("add_eos_token")?.bool ?? (model == "bert" ? value("add_sep_token")?.bool : nil))
        (addsSpacePrefix, removesExtraSpaces) = (value("add_space_prefix")?.bool, value("remove_extra_whitespaces")?.bool)
        characterMap = try Self.bytes(file, "tokenizer.ggml.precompiled_charsmap")
        chatTemplate = file["tokenizer.chat_template"]?.json?.string
        name = file["general.name"]?.json?.string
    }

    /// An array of bytes, signed or not.
    private static func bytes(_ file: GGUFFile, _ key: String) throws(FileError) -> [UInt8] {
        let numbers = try file.integers(key)
        if let wrong = numbers.first(where: { !(-128...255).contains($0) }) {
            throw FileError("not a byte", path: file.path, field: key, offset: file.pair(key)?.offset, expected: "-128 to 255", found: "\(wrong)")
        }
        return numbers.map { UInt8(truncatingIfNeeded: $0) }
    }
}
