public import QuintetFiles

/// Reads a `config.json` field by field and remembers what was read, so that nothing is ignored silently.
///
/// A wrong type or an unsupported value is a `FileError`; a field that nobody read ends up in `warnings`.
public struct ConfigReader {
    public let path: String
    public let json: JSON
    /// What the person should know: fields that were not used.
    public private(set) var warnings: [String] = []
    private var used: Set<String> = []

    /// The field that holds this configuration, with a dot behind it; empty for the whole file.
    private let within: String

    /// `field` is the place of an object inside the file, nil where it is the file's own.
    public init(_ json: JSON, path: String, field: String? = nil) throws(FileError) {
        guard json.object != nil else {
            throw FileError("not a configuration", path: path, field: field, expected: "a JSON object", found: json.kind)
        }
        self.json = json
        self.path = path
        within = field.map { "\($0)." } ?? ""
    }

    /// The first of `keys` that is there and not null.
    public mutating func value(_ keys: String...) -> JSON? { first(keys) }

    /// A whole number, required unless there is a default.
    public mutating func int(_ keys: String..., default fallback: Int? = nil) throws(FileError) -> Int {
        try require(keys, fallback, "a whole number") { json in
            if case .integer(let value) = json { Int(exactly: value) } else { nil }
        }
    }

    /// A whole number, or nil where the field is missing or null.
    public mutating func optionalInt(_ keys: String...) throws(FileError) -> Int? {
        guard first(keys) != nil else { return nil }
        return try require(keys, nil, "a whole number") { json in
            if case .integer(let value) = json { Int(exactly: value) } else { nil }
        }
    }

    /// A whole number: nil where the field is null, `fallback` where it is missing.
    public mutating func nullableInt(_ key: String, default fallback: Int?) throws(FileError) -> Int? {
        isMissing(key) ? fallback : try optionalInt(key)
    }

    /// A finite number: nil where the field is null, `fallback` where it is missing.
    public mutating func nullableNumber(_ key: String, default fallback: Double?) throws(FileError) -> Double? {
        if isMissing(key) { return fallback }
        return first([key]) == nil ? nil : try number(key)
    }

    /// The number of layers, small enough that a list of them may be made.
    public mutating func layers(_ keys: String..., default fallback: Int? = nil) throws(FileError) -> Int {
        let count = try require(keys, fallback, "a whole number") { $0.int }
        guard count > 0, count < 1 << 12 else { throw wrong(keys[0], "from 1 to \((1 << 12) - 1)", "\(count)") }
        return count
    }

    /// A list of texts, nil where the field is missing or null.
    public mutating func texts(_ key: String) throws(FileError) -> [String]? {
        try list(key, "a list of texts") { $0.string }
    }

    /// A list of finite numbers, nil where the field is missing or null.
    public mutating func numbers(_ key: String) throws(FileError) -> [Double]? {
        try list(key, "a list of finite numbers") { json in json.double.flatMap { $0.isFinite ? $0 : nil } }
    }

    public mutating func number(_ keys: String..., default fallback: Double? = nil) throws(FileError) -> Double {
        try require(keys, fallback, "a finite number") { json in json.double.flatMap { $0.isFinite ? $0 : nil } }
    }

    /// The same under the first of several names.
    mutating func number(under keys: [String], default fallback: Double?) throws(FileError) -> Double {
        try require(keys, fallback, "a finite number") { json in json.double.flatMap { $0.isFinite ? $0 : nil } }
    }

    public mutating func flag(_ keys: String..., default fallback: Bool? = nil) throws(FileError) -> Bool {
        try require(keys, fallback, "true or false") { $0.bool }
    }

    public mutating func text(_ keys: String..., default fallback: String? = nil) throws(FileError) -> String {
        try require(keys, fallback, "text") { $0.string }
    }

    /// One id or a list of ids.
    public mutating func ids(_ key: String) throws(FileError) -> [Int] {
        guard let value = first([key]) else { return [] }
        let list = value.array ?? [value]
        let ids = list.compactMap { json -> Int? in if case .integer(let id) = json { Int(exactly: id) } else { nil } }
        guard ids.count == list.count else { throw wrong(key, "a whole number or a list of them", value.serialized()) }
        return ids
    }

    /// Shares of something dropped while training that is not dropped here: a warning where they are not zero.
    public mutating func notDropped(_ keys: String...) throws(FileError) {
        for key in keys where try number(key, default: 0) != 0 {
            warnings.append("\(path): \(within)\(key) is not applied when this model is trained here")
        }
    }

    /// A field that the family's reference reads but does not act upon: a warning where it says anything but `usual`.
    public mutating func withoutEffect(_ key: String, _ usual: JSON...) {
        guard let value = first([key]), !usual.contains(value) else { return }
        warnings.append("\(path): \(within)\(key) has no effect in this family, as in the reference")
    }

    /// Something that the person should know about this model.
    mutating func warn(_ text: String) { warnings.append("\(path): \(text)") }

    /// Fields that change no result of this model, whatever they hold.
    public mutating func ignore(_ keys: String...) { used.formUnion(keys) }

    /// A field that may be there only with this value: others mean something that is not supported.
    public mutating func only(_ key: String, _ allowed: JSON, default fallback: JSON) throws(FileError) {
        let value = first([key]) ?? fallback
        guard value == allowed else { throw wrong(key, "\(allowed.serialized()) (others are not supported)", value.serialized()) }
    }

    /// Allows weights quantized by this method, for families whose table has rows for them; others are refused.
    public mutating func quantized(by method: String) throws(FileError) {
        guard let config = first(["quantization_config"]) else { return }
        guard config["quant_method"]?.string == method else {
            throw wrong("quantization_config", "\(method), or none", config["quant_method"]?.string ?? "another")
        }
    }

    /// Refuses what no family supports, then lists the fields that were not read.
    public mutating func finish() throws(FileError) {
        for key in ["quantization_config", "compression_config"] where !isUsed(key) && first([key]) != nil {
            throw FileError(
                "weights quantized this way are not supported", path: path, field: key,
                found: json[key]?["quant_method"]?.string ?? "a quantization", hint: "use the model's original weights or a GGUF file")
        }
        for key in ["is_encoder_decoder", "add_cross_attention", "tie_encoder_decoder"] { try only(key, false, default: false) }
        if let heads = first(["pruned_heads"])?.object, !heads.isEmpty { throw wrong("pruned_heads", "no pruned heads", "\(heads.count)") }
        for key in ["auto_map", "trust_remote_code", "custom_pipelines", "_attn_implementation_internal"] where first([key]) != nil {
            warnings.append("\(path): \"\(key)\" is ignored: no code of a model's folder is ever run")
        }
        let unread = json.object?.keys.filter { !used.contains($0) && !Self.harmless.contains($0) } ?? []
        if !unread.isEmpty {
            warnings.append("\(path): not used by this family: \(unread.joined(separator: ", "))")
        }
    }

    /// Takes over the warnings of a configuration inside this one, unread fields included.
    mutating func absorb(_ inner: ConfigReader) {
        warnings += inner.warnings
        let unread = inner.json.object?.keys.filter { !inner.used.contains($0) && !Self.harmless.contains($0) } ?? []
        if !unread.isEmpty { warnings.append("\(inner.path): not used by this family: \(unread.map { inner.within + $0 }.joined(separator: ", "))") }
    }

    /// Whether a field was read or set aside.
    public func isUsed(_ key: String) -> Bool { used.contains(key) }

    public func wrong(_ field: String, _ expected: String, _ found: String) -> FileError {
        FileError("wrong or unsupported configuration", path: path, field: within + field, expected: expected, found: found)
    }

    private func isMissing(_ key: String) -> Bool { json[key] == nil }

    private mutating func list<T>(_ key: String, _ expected: String, _ read: (JSON) -> T?) throws(FileError) -> [T]? {
        guard let value = first([key]) else { return nil }
        guard let list = value.array else { throw wrong(key, expected, value.kind) }
        let values = list.compactMap(read)
        guard values.count == list.count else { throw wrong(key, expected, value.serialized()) }
        return values
    }

    private mutating func first(_ keys: [String]) -> JSON? {
        used.formUnion(keys)
        for key in keys { if let value = json[key], !value.isNull { return value } }
        return nil
    }

    private mutating func require<T>(
        _ keys: [String], _ fallback: T?, _ expected: String, _ read: (JSON) -> T?
    ) throws(FileError) -> T {
        guard let value = first(keys) else {
            if let fallback { return fallback }
            throw wrong(keys[0], expected, "nothing")
        }
        let spelled = keys.filter { json[$0].map { !$0.isNull } ?? false }
        guard let result = read(value) else { throw wrong(spelled[0], expected, value.serialized()) }
        for other in spelled.dropFirst() where json[other] != value {
            warn("\(spelled[0]) is \(value.serialized()), \(other) says \(json[other]?.serialized() ?? ""): the former is used")
        }
        return result
    }

    /// Fields of every configuration that say nothing about the arithmetic.
    private static let harmless: Set<String> = [
        "_name_or_path", "architectures", "model_type", "transformers_version", "torch_dtype", "dtype", "use_cache", "output_attentions",
        "output_hidden_states", "return_dict", "use_return_dict", "torchscript", "use_bfloat16", "id2label", "label2id", "num_labels",
        ScoreLayer.poolingField,
        "problem_type", "task_specific_params", "finetuning_task", "tokenizer_class", "prefix", "chunk_size_feed_forward", "is_decoder",
        "name_or_path", "pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "decoder_start_token_id",
        "cross_attention_hidden_size", "gradient_checkpointing", "_attn_implementation", "_attn_implementation_autoset",
        "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature",
        "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
        "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id",
        "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "tf_legacy_loss",
    ]
}
