public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetTensors

extension ModelFolder {
    /// Opens a GGUF file, with the others of its set where it is one of several.
    static func open(gguf path: String) throws(FileError) -> ModelFolder { try open(path, try GGUFSet.open(path)) }

    /// The model in files that are open already: all of one set, the first one first.
    public static func open(_ path: String, _ files: [GGUFFile]) throws(FileError) -> ModelFolder {
        precondition(!files.isEmpty, "a model needs a file")
        let file = files[0]
        let architecture = try GGUFArchitectures.of(file)
        let whole = try WeightFolder(path, files)
        var (config, warnings) = try architecture.config(of: file, in: whole)
        let tokens = try specialTokens(file)
        config["bos_token_id"] = tokens.bos.map { JSON($0) } ?? .null
        config["eos_token_id"] = tokens.eosJSON
        config["pad_token_id"] = tokens.pad.map { JSON($0) } ?? .null
        let (family, spec, more) = try architecture.spec(of: file, config)
        return ModelFolder(
            path: path, family: family, spec: spec, tokens: tokens, config: config, weights: whole, map: architecture.layout.weights(spec),
            source: .gguf(file, architecture), warnings: files.flatMap(\.warnings) + warnings + more, arithmetic: .stored)
    }

    /// The ids that the metadata names, which have to lie in the vocabulary, and ends known by their names.
    private static func specialTokens(_ file: GGUFFile) throws(FileError) -> SpecialTokens {
        var tokens = SpecialTokens()
        let count = if case .array(let list)? = file["tokenizer.ggml.tokens"] { list.count } else { Int(Int32.max) }
        func id(_ name: String) throws(FileError) -> Int? {
            let key = "tokenizer.ggml.\(name)_token_id"
            guard let pair = file.pair(key) else { return nil }
            guard let id = pair.value.json?.int, (0..<count).contains(id) else {
                throw FileError(
                    "an id outside the vocabulary", path: file.path, field: key, offset: pair.offset, expected: "0 to \(count - 1)",
                    found: pair.value.json?.serialized() ?? "an array")
            }
            return id
        }
        tokens.bos = try id("bos")
        for name in ["eos", "eot", "eom"] { if let end = try id(name), !tokens.eos.contains(end) { tokens.eos.append(end) } }
        for end in try GGUFEnds.named(in: file) where !tokens.eos.contains(end) { tokens.eos.append(end) }
        tokens.pad = try id("padding")
        for name in ["unknown", "seperator", "mask"] { _ = try id(name) }
        return tokens
    }
}
