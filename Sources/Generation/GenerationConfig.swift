public import QuintetFiles

/// What a model's generation_config.json says about making text from it.
public struct GenerationConfig: Sendable, Equatable {
    public var sampling: SamplingOptions
    /// Any of these ends the text; empty where the file names none.
    public var eos: [Int]
    public var bos: Int?
    /// New tokens at most, where the file says so.
    public var maxNewTokens: Int?

    public static let fileName = "generation_config.json"

    public init(sampling: SamplingOptions = .greedy, eos: [Int] = [], bos: Int? = nil, maxNewTokens: Int? = nil) {
        self.sampling = sampling
        self.eos = eos
        self.bos = bos
        self.maxNewTokens = maxNewTokens
    }

    /// Reads the file in a model's folder; a folder without one has the defaults (greedy).
    public static func read(folder: String) throws(FileError) -> GenerationConfig {
        let path = Folder.join(folder, fileName)
        guard Folder.exists(path) else { return GenerationConfig() }
        return try GenerationConfig(try JSON.read(path), path: path)
    }

    /// Sampling is on only where `do_sample` is true; `transformers` then keeps 50 tokens unless `top_k` says otherwise.
    public init(_ json: JSON, path: String) throws(FileError) {
        let fields = Fields(json: json, path: path)
        let samples = try fields.flag("do_sample") ?? false
        sampling = SamplingOptions(
            temperature: samples ? try fields.number("temperature") ?? 1 : 0, topK: try fields.int("top_k") ?? 50,
            topP: try fields.number("top_p") ?? 1, minP: try fields.number("min_p") ?? 0,
            repetitionPenalty: try fields.number("repetition_penalty") ?? 1)
        sampling.typicalP = try fields.number("typical_p") ?? 1
        do { try sampling.validate() } catch {
            throw FileError("wrong generation settings", path: path, field: error.option, expected: error.expected, found: error.found)
        }
        eos = try fields.ids("eos_token_id")
        bos = try fields.int("bos_token_id")
        maxNewTokens = try fields.int("max_new_tokens")
    }
}

private struct Fields {
    let json: JSON
    let path: String

    func flag(_ key: String) throws(FileError) -> Bool? { try read(key, "true or false") { $0.bool } }
    func int(_ key: String) throws(FileError) -> Int? { try read(key, "a whole number >= 0") { $0.int.flatMap { $0 >= 0 ? $0 : nil } } }
    func number(_ key: String) throws(FileError) -> Float? {
        try read(key, "a finite number") { $0.double.flatMap { $0.isFinite ? Float($0) : nil } }
    }

    func ids(_ key: String) throws(FileError) -> [Int] {
        let list: [Int]? = try read(key, "an id or a list of ids") { json in
            let list = json.array ?? [json]
            let ids = list.compactMap { $0.int }.filter { $0 >= 0 }
            return ids.count == list.count ? ids : nil
        }
        return list ?? []
    }

    private func read<T>(_ key: String, _ expected: String, _ get: (JSON) -> T?) throws(FileError) -> T? {
        guard let value = json[key], !value.isNull else { return nil }
        if let result = get(value) { return result }
        throw FileError("wrong generation settings", path: path, field: key, expected: expected, found: value.serialized())
    }
}
