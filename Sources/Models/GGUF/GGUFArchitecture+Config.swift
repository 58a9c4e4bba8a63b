public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetTensors

extension GGUFArchitecture {
    /// What config.json would say of a file's model, and what the person should know.
    /// - Throws: `FileError` naming the key and its place where the metadata lacks something or contradicts the tensors.
    public func config(of file: GGUFFile, in weights: WeightFolder) throws(FileError) -> (config: JSON, warnings: [String]) {
        var metadata = GGUFMetadata(file, weights, architecture: name)
        var config: JSONObject = ["model_type": .string(families[0])]
        for field in fields { if let value = try metadata.value(field.key) { config[field.config] = value } }
        config["vocab_size"] = JSON(try vocabulary(of: file, weights, &metadata))
        config["tie_word_embeddings"] = .bool(weights.find("output.weight") == nil)
        metadata.ignore("attention.value_length", "tensor_data_layout", "attention.causal")
        try read(&metadata, &config)
        let unread = metadata.unread
        let warnings = unread.isEmpty ? [] : ["\(file.path): not used by this architecture: \(unread.joined(separator: ", "))"]
        return (.object(config), warnings)
    }

    /// Rows of the token embedding; the metadata has to agree.
    private func vocabulary(of file: GGUFFile, _ weights: WeightFolder, _ metadata: inout GGUFMetadata) throws(FileError) -> Int {
        guard let table = weights.find("token_embd.weight")?.entry, table.shape.count == 2 else {
            throw FileError("a tensor is missing", path: file.path, field: "token_embd.weight", expected: "[vocabulary, width]", found: "nothing")
        }
        let rows = table.shape[0]
        if let declared = try metadata.int("vocab_size"), declared != rows {
            throw metadata.wrong("vocab_size", "\(rows), the rows of token_embd.weight", JSON(declared))
        }
        let key = "tokenizer.ggml.tokens"
        if case .array(let tokens)? = file[key], tokens.count != rows {
            throw FileError(
                "the tokenizer and the embedding differ", path: file.path, field: key, offset: file.pair(key)?.offset,
                expected: "\(rows) tokens", found: "\(tokens.count)")
        }
        return rows
    }

    /// The spec of a file's model through its family, with errors in the file's own words.
    func spec(of file: GGUFFile, _ config: JSON) throws(FileError) -> (family: Family, spec: TransformerSpec, warnings: [String]) {
        let wanted = config["model_type"]?.string ?? families[0]
        guard let family = Families.named(wanted) else {
            throw FileError(
                "this family of models is not supported", path: file.path, field: "general.architecture",
                offset: file.pair("general.architecture")?.offset, found: wanted)
        }
        var reader = try ConfigReader(config, path: file.path)
        do throws(FileError) {
            return (family, try family.checkedSpec(&reader), reader.warnings)
        } catch { throw located(error, file) }
    }

    /// The same error with the file's key and its place in it instead of the configuration's field.
    private func located(_ error: FileError, _ file: GGUFFile) -> FileError {
        let field = (fields + GGUFRope.fields + GGUFField.others).first { $0.config == error.field }
        let key = field.map { $0.key.contains(".weight") ? $0.key : "\(name).\($0.key)" } ?? error.field ?? "general.architecture"
        var error = error
        error.field = key
        error.path = file.path
        error.offset = file.pair(key)?.offset ?? file.pair("general.architecture")?.offset
        return error
    }
}
