public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers

/// One architecture of GGUF files: how its metadata and a family's configuration say the same, and how it lays out the weights.
///
/// ```swift
/// let file = try GGUFFile.open("model.gguf")
/// let architecture = try GGUFArchitectures.of(file)
/// try architecture.config(of: file, in: weights).config     // what config.json would say
/// ```
public struct GGUFArchitecture: Sendable {
    /// `general.architecture`.
    public let name: String
    /// `model_type` of the families whose models such files hold.
    public let families: [String]
    /// Keys of the metadata and the fields of the configuration that say the same.
    let fields: [GGUFField]
    let layout: GGUFLayout
    /// What rows of keys cannot say, from the metadata.
    let read: @Sendable (inout GGUFMetadata, inout JSONObject) throws(FileError) -> Void
    /// The same from a spec and its configuration; nil where the format cannot say it.
    let write: @Sendable (TransformerSpec, JSON) -> [GGUFSetting]?
    /// What llama.cpp opens of it.
    let limits: GGUFLimits

    init(
        _ name: String, families: [String], fields: [GGUFField] = GGUFField.common, layout: GGUFLayout = GGUFLayout(),
        limits: GGUFLimits = GGUFLimits(), read: @escaping @Sendable (inout GGUFMetadata, inout JSONObject) throws(FileError) -> Void,
        write: @escaping @Sendable (TransformerSpec, JSON) -> [GGUFSetting]? = { _, _ in [] }
    ) {
        self.name = name
        self.families = families
        self.fields = fields
        self.layout = layout
        self.read = read
        self.write = write
        self.limits = limits
    }
}

/// Every architecture there is.
public enum GGUFArchitectures {
    public static let all: [GGUFArchitecture] = [
        .llama, .gpt2, .qwen2, .qwen3, .gemma, .gemma2, .gemma3, .phi3, .starcoder2, .stablelm, .falcon, .olmo2, .granite, .smollm3, .qwen3moe,
        .olmoe, .gptOSS, .deepseek2, .mamba,
    ]

    /// The architecture that a file names.
    public static func of(_ file: GGUFFile) throws(FileError) -> GGUFArchitecture {
        let key = "general.architecture"
        let name = if case .string(let name)? = file[key] { name } else { "nothing" }
        if let architecture = all.first(where: { $0.name == name }) { return architecture }
        throw FileError(
            "this architecture is not supported", path: file.path, field: key, offset: file.pair(key)?.offset,
            expected: all.map(\.name).joined(separator: ", "), found: name, hint: nearestHint(name, all.map(\.name)))
    }

    /// The architecture that holds a family's models; nil where none does.
    public static func holding(_ family: Family) -> GGUFArchitecture? { all.first { $0.families.contains(family.name) } }
}

/// A key of the metadata (without the architecture's name in front) and the field of config.json that says the same.
struct GGUFField: Sendable {
    let key: String
    let config: String
    let kind: Kind

    enum Kind: Sendable { case whole, number, flag, text }

    init(_ key: String, _ config: String, _ kind: Kind = .whole) {
        self.key = key
        self.config = config
        self.kind = kind
    }

    /// What most architectures share.
    static let common = [
        GGUFField("context_length", "max_position_embeddings"), GGUFField("embedding_length", "hidden_size"),
        GGUFField("block_count", "num_hidden_layers"), GGUFField("feed_forward_length", "intermediate_size"),
        GGUFField("attention.head_count", "num_attention_heads"), GGUFField("attention.head_count_kv", "num_key_value_heads"),
        GGUFField("attention.key_length", "head_dim"), GGUFField("rope.freq_base", "rope_theta", .number),
        GGUFField("attention.layer_norm_rms_epsilon", "rms_norm_eps", .number),
    ]

    /// Fields that architectures read by hand, for errors.
    static let others = [
        GGUFField("attention.sliding_window", "sliding_window"), GGUFField("token_embd.weight", "vocab_size"),
        GGUFField("attention.value_length_mla", "v_head_dim"), GGUFField("attention.key_length_mla", "qk_nope_head_dim"),
        GGUFField("rope.freq_base_swa", "rope_local_base_freq", .number),
    ]

    /// The value as this key holds it; nil where the configuration's is missing or of another kind.
    func value(_ json: JSON?) -> GGUFSetting.Value? {
        guard let json, !json.isNull else { return nil }
        switch kind {
        case .whole: return json.int.flatMap { UInt32(exactly: $0) }.map { .u32($0) }
        case .number: return json.double.map { .f32(Float($0)) }
        case .flag: return json.bool.map { .bool($0) }
        case .text: return json.string.map { .string($0) }
        }
    }
}

/// The metadata of a file while a configuration is made of it: remembers which keys were read.
struct GGUFMetadata {
    let file: GGUFFile
    let weights: WeightFolder
    let architecture: String
    private(set) var used: Set<String> = []

    init(_ file: GGUFFile, _ weights: WeightFolder, architecture: String) {
        self.file = file
        self.weights = weights
        self.architecture = architecture
    }

    /// A value of the architecture as JSON; an array of equal whole numbers (one a layer) is that number.
    mutating func value(_ key: String) throws(FileError) -> JSON? {
        let key = "\(architecture).\(key)"
        used.insert(key)
        guard let value = file[key] else { return nil }
        guard case .array = value else { return value.json }
        let numbers = try file.integers(key)
        guard let first = numbers.first, numbers.allSatisfy({ $0 == first }) else {
            throw FileError(
                "values that differ from layer to layer are not supported here", path: file.path, field: key, offset: file.pair(key)?.offset,
                found: "\(numbers.prefix(8))")
        }
        return JSON(first)
    }

    mutating func int(_ key: String) throws(FileError) -> Int? {
        guard let value = try value(key) else { return nil }
        guard let number = value.int else { throw wrong(key, "a whole number", value) }
        return number
    }

    mutating func number(_ key: String) throws(FileError) -> Double? {
        guard let value = try value(key) else { return nil }
        guard let number = value.double, number.isFinite else { throw wrong(key, "a finite number", value) }
        return number
    }

    mutating func text(_ key: String) throws(FileError) -> String? {
        guard let value = try value(key) else { return nil }
        guard let text = value.string else { throw wrong(key, "text", value) }
        return text
    }

    /// Whether the file holds a tensor of this name.
    func holds(_ tensor: String) -> Bool { weights.find(tensor) != nil }

    /// Keys that change no result.
    mutating func ignore(_ keys: String...) { for key in keys { used.insert("\(architecture).\(key)") } }

    func wrong(_ key: String, _ expected: String, _ found: JSON) -> FileError {
        let key = "\(architecture).\(key)"
        return FileError(
            "wrong or unsupported metadata", path: file.path, field: key, offset: file.pair(key)?.offset, expected: expected,
            found: found.serialized())
    }

    /// Keys of the architecture that nobody read.
    var unread: [String] { file.pairs.map(\.key).filter { $0.hasPrefix(architecture + ".") && !used.contains($0) } }
}
