public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers

/// A family of models: how its configuration file, its weight names and our spec correspond.
public struct Family: Sendable {
    /// `model_type` in config.json.
    public let name: String
    /// The class that `transformers` opens the folder with.
    public let architecture: String
    /// config.json to a spec; every field that the reference uses is read or refused.
    public let spec: @Sendable (inout ConfigReader) throws(FileError) -> TransformerSpec
    /// A spec back to the family's fields of config.json; nil where the family cannot say this spec.
    public let fields: @Sendable (TransformerSpec) -> JSONObject?
    /// Names and layouts of the weights.
    public let weights: @Sendable (TransformerSpec) -> WeightMap
    /// The classes of `transformers` that score with it instead of writing.
    public let scoring: ScoringClasses

    public init(
        name: String, architecture: String, spec: @escaping @Sendable (inout ConfigReader) throws(FileError) -> TransformerSpec,
        fields: @escaping @Sendable (TransformerSpec) -> JSONObject?, weights: @escaping @Sendable (TransformerSpec) -> WeightMap,
        scoring: ScoringClasses = .both(wordLayer: "score")
    ) {
        self.name = name
        self.architecture = architecture
        self.spec = spec
        self.fields = fields
        self.weights = weights
        self.scoring = scoring
    }
}

/// Which classes of `transformers` score with a family, and what they call the layer that scores.
public enum ScoringClasses: Sendable, Equatable {
    /// `...ForSequenceClassification`, whose layer is `score`, and `...ForTokenClassification` with a layer of this name.
    case both(wordLayer: String)
    /// `...ForSequenceClassification` alone; `prefix` where it is not that of the class that writes.
    case texts(prefix: String? = nil)
    /// Neither: only Quintet opens such a model.
    case none
}

/// Every family there is.
public enum Families {
    public static let all: [Family] = [
        gpt2, llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3, phi, phi3, olmo2, smollm3, granite, starcoder2, stablelm,
        gptNeo, gptj, gptNeoX, opt, bloom, falcon, mpt, xglm,
        mixtral, qwen3MoE, olmoe, gptOSS, deepseekV3, mamba,
    ]

    /// The family of a `model_type`.
    public static func named(_ name: String) -> Family? { all.first { $0.name == name } }

    /// The first family whose configuration can say this spec exactly (how it was initialized and dropped apart).
    public static func expressing(_ spec: TransformerSpec) -> Family? {
        all.first { (try? $0.config(spec, SpecialTokens())) != nil }
    }
}

extension Family {
    /// The spec of a configuration that is read to its end, every number checked: errors name the file's own fields.
    public func checkedSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let spec = try spec(&reader)
        try reader.finish()
        do { try spec.validate() } catch { throw reader.impossible(error) }
        return spec
    }

    /// The whole config.json of a spec, proved by reading it back: the same spec has to come out.
    ///
    /// - Throws: `FileError` where this family cannot say the spec.
    public func config(_ spec: TransformerSpec, _ tokens: SpecialTokens, dtype: String = "float32") throws(FileError) -> JSON {
        guard let fields = fields(spec) else { throw unsayable }
        var config: JSONObject = ["architectures": [.string(architecture)], "model_type": .string(name)]
        for (key, value) in fields { config[key] = value }
        config["bos_token_id"] = tokens.bos.map { JSON($0) } ?? .null
        config["eos_token_id"] = tokens.eosJSON
        // A family whose arithmetic depends on the padding token says it itself.
        if config["pad_token_id"] == nil { config["pad_token_id"] = tokens.pad.map { JSON($0) } ?? .null }
        config["dtype"] = .string(dtype)
        config["torch_dtype"] = .string(dtype)
        config["use_cache"] = true
        var reader = try ConfigReader(.object(config), path: "config.json")
        guard (try? self.spec(&reader))?.computes(like: spec) == true else { throw unsayable }
        return .object(config)
    }

    private var unsayable: FileError {
        FileError("the family \(name) cannot express this model", field: "model_type", hint: "choose another family for the export")
    }
}

extension TransformerSpec {
    /// Whether both compute the same from the same weights: training-only slots are left out.
    func computes(like other: TransformerSpec) -> Bool {
        var copy = self
        copy.initialization = other.initialization
        copy.dropout = other.dropout
        return copy == other
    }
}

/// The ids that begin, end and pad a text.
public struct SpecialTokens: Sendable, Equatable {
    public var bos: Int?
    /// Any of these ends a text.
    public var eos: [Int]
    public var pad: Int?

    public init(bos: Int? = nil, eos: [Int] = [], pad: Int? = nil) {
        self.bos = bos
        self.eos = eos
        self.pad = pad
    }

    /// Null, one id, or a list.
    var eosJSON: JSON { eos.isEmpty ? .null : eos.count == 1 ? JSON(eos[0]) : .array(eos.map { JSON($0) }) }
}
