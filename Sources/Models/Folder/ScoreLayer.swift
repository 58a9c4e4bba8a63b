public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// A layer that scores hidden states, as `transformers` keeps it beside a decoder: `score.weight`, and `score.bias` for tokens.
public struct ScoreLayer: Sendable {
    public enum Kind: String, Sendable {
        case classification = "single_label_classification"
        case regression
        /// Scores of every token.
        case tokens
    }

    /// Which state stands for a text.
    public enum Pooling: String, Sendable, CaseIterable {
        /// The last token's, as `transformers` does for decoders.
        case last
        /// The mean of all tokens' states.
        case mean
    }

    public var kind: Kind
    /// Names of the outputs.
    public var labels: [String]
    public var pooling: Pooling
    /// `score.weight` [outputs, width] and, for tokens, `score.bias` [outputs].
    public var tensors: [(name: String, tensor: Tensor)]

    public init(kind: Kind, labels: [String], pooling: Pooling = .last, tensors: [(name: String, tensor: Tensor)]) {
        self.kind = kind
        self.labels = labels
        self.pooling = pooling
        self.tensors = tensors
    }

    public var weight: Tensor? { tensors.first { $0.name == "score.weight" }?.tensor }
    public var bias: Tensor? { tensors.first { $0.name == "score.bias" }?.tensor }

    func items(_ dtype: DType, _ family: Family) -> [SafetensorsWriter.Item] {
        tensors.map { name, tensor in
            SafetensorsWriter.Item(family.layer(kind) + name.dropFirst("score".count), SafetensorsType(dtype), tensor.shape.extents) { writer in
                let plain = tensor.contiguous().cast(to: dtype)
                try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.byteCount))
            }
        }
    }

    /// What config.json says about the outputs.
    func place(in config: inout JSON, _ family: Family) {
        config["architectures"] = [.string(family.scoringClass(kind) ?? family.usualScoringClass(kind))]
        for (key, value) in outputs { config[key] = value }
        // The class finds a text's last token by the padding after it.
        if config["pad_token_id"]?.isNull != false { config["pad_token_id"] = config["eos_token_id"]?[0] ?? config["eos_token_id"] ?? .null }
        config["use_cache"] = false
    }

    /// The fields that say what the scores are, also in a file of their own beside an adapter.
    public var outputs: JSONObject {
        var (names, indices) = (JSONObject(), JSONObject())
        for (index, label) in labels.enumerated() {
            names["\(index)"] = .string(label)
            indices[label] = JSON(index)
        }
        var fields: JSONObject = ["id2label": .object(names), "label2id": .object(indices)]
        if kind != .tokens { fields["problem_type"] = .string(kind.rawValue) }
        // No class of transformers takes the mean of a decoder's states; ours reads this.
        if pooling != .last { fields[Self.poolingField] = .string(pooling.rawValue) }
        return fields
    }

    static let poolingField = "quintet_pooling"
    /// The file of an adapter's folder that names the outputs of its layer, which PEFT's own files do not.
    public static let fileName = "labels.json"

    /// Fields as `outputs` has them. `isTokens` where the class or the task says so.
    init(_ fields: JSON, isTokens: Bool, tensors: [(name: String, tensor: Tensor)]) {
        let rows = tensors[0].tensor.shape[0]
        let names = fields["id2label"]?.object
        self.init(
            kind: isTokens ? .tokens : Kind(rawValue: fields["problem_type"]?.string ?? "") ?? .classification,
            labels: (0..<rows).map { names?["\($0)"]?.string ?? "LABEL_\($0)" },
            pooling: Pooling(rawValue: fields[Self.poolingField]?.string ?? "") ?? .last, tensors: tensors)
    }
}

extension Family {
    /// The class of `transformers` that opens a model that scores; nil where it has none.
    public func scoringClass(_ kind: ScoreLayer.Kind) -> String? {
        switch (scoring, kind) {
        case (.both, _), (.texts(nil), .classification), (.texts(nil), .regression): usualScoringClass(kind)
        case (.texts(let prefix?), .classification), (.texts(let prefix?), .regression): prefix + "ForSequenceClassification"
        case (.texts, .tokens), (.none, _): nil
        }
    }

    /// What such a class would be called.
    func usualScoringClass(_ kind: ScoreLayer.Kind) -> String {
        var name = architecture
        for ending in ["ForCausalLM", "LMHeadModel"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
        return name + (kind == .tokens ? "ForTokenClassification" : "ForSequenceClassification")
    }

    /// What `transformers` calls the layer.
    public func layer(_ kind: ScoreLayer.Kind) -> String {
        if case .both(let wordLayer) = scoring, kind == .tokens { wordLayer } else { "score" }
    }
}

extension TransformerSpec {
    /// The parameters without those of the vocabulary's projection.
    public var bodyParameters: [ParameterSpec] { parameters.filter { $0.name != "head.weight" && $0.name != "head.bias" } }

    /// The same model whose head needs no parameters of its own.
    public var body: TransformerSpec {
        var copy = self
        copy.head.projection = .tied
        return copy
    }
}

extension ModelFolder {
    /// The names that a scoring layer may have in files.
    private static let layers = ["score", "classifier"]

    /// The layer that scores; nil where the folder holds a model that writes.
    public func scoreLayer() throws(FileError) -> ScoreLayer? {
        if let adapters { if let layer = try adapters.scoreLayer { return layer } }
        var own: [(name: String, tensor: Tensor)] = []
        for layer in Self.layers {
            for part in ["weight", "bias"] {
                if let entry = weights.find("\(layer).\(part)") { own.append(("score.\(part)", try entry.tensor().cast(to: .f32))) }
            }
            if !own.isEmpty { break }
        }
        guard let weight = own.first, weight.name == "score.weight", weight.tensor.shape.rank == 2, weight.tensor.shape[1] == spec.width else { return nil }
        return ScoreLayer(config, isTokens: config["architectures"]?[0]?.string?.hasSuffix("ForTokenClassification") == true, tensors: own)
    }

    /// The layer that scores, and the model below it; nil where the folder holds a model that writes.
    public func scoring() throws -> (body: Transformer, score: ScoreLayer)? {
        guard let score = try scoreLayer() else { return nil }
        if adapters != nil { return (try transformer(), score) }
        return (try Transformer(spec.body, ParameterScope(StoredParameters(try bodyReader(), .stored), .packed(arithmetic))), score)
    }

    /// The parameters but those of the vocabulary's projection, which a model that scores does not have.
    public func bodyWeights(precision: WeightPrecision = .f32) throws(FileError) -> [String: Tensor] {
        let wanted = spec.bodyParameters.map { (name: $0.name, shape: $0.shape) }
        return try bodyMap.load(wanted, from: weights, precision: precision)
    }

    /// Reads them one at a time.
    func bodyReader() throws(FileError) -> WeightReader {
        try WeightReader(bodyMap, weights, spec.bodyParameters.map { (name: $0.name, shape: $0.shape) })
    }

    /// The names in these files, without the vocabulary's projection and the scoring layer.
    private var bodyMap: WeightMap {
        let heads = map.rows.filter { $0.ours == "head.weight" || $0.ours == "head.bias" }.flatMap(\.theirs.names)
        let layers = Self.layers.flatMap { ["\($0).weight", "\($0).bias"] }
        return WeightMap(
            map.rows, prefix: map.prefix, ignored: map.ignored + heads + layers, ignoredBelow: map.ignoredBelow, aliases: map.aliases)
    }
}

extension AppliedAdapters {
    /// The layer that scores, which one of the adapters brings; its outputs are named by a file beside it.
    var scoreLayer: ScoreLayer? {
        get throws(FileError) {
            for (adapter, _) in list {
                for layer in ["score", "classifier"] {
                    let own = ["weight", "bias"].compactMap { part in
                        adapter.extras.first { $0.name == "\(layer).\(part)" }.map { (name: "score.\(part)", tensor: $0.tensor.cast(to: .f32)) }
                    }
                    guard own.first?.name == "score.weight" else { continue }
                    let file = Folder.join(adapter.path, ScoreLayer.fileName)
                    let fields = Folder.isFile(file) ? try JSON.read(file) : [:]
                    return ScoreLayer(fields, isTokens: adapter.config.taskType == "TOKEN_CLS", tensors: own)
                }
            }
            return nil
        }
    }
}
