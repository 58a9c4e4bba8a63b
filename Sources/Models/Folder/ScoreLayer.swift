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

    public var kind: Kind
    /// Names of the outputs.
    public var labels: [String]
    public var tensors: [(name: String, tensor: Tensor)]

    public init(kind: Kind, labels: [String], tensors: [(name: String, tensor: Tensor)]) {
        self.kind = kind
        self.labels = labels
        self.tensors = tensors
    }

    /// The class that opens such a model.
    public static func architecture(_ kind: Kind, _ causal: String) -> String {
        var name = causal
        for ending in ["ForCausalLM", "LMHeadModel"] where name.hasSuffix(ending) { name.removeLast(ending.count) }
        return name + (kind == .tokens ? "ForTokenClassification" : "ForSequenceClassification")
    }

    func items(_ dtype: DType) -> [SafetensorsWriter.Item] {
        tensors.map { name, tensor in
            SafetensorsWriter.Item(name, SafetensorsType(dtype), tensor.shape.extents) { writer in
                let plain = tensor.contiguous().cast(to: dtype)
                try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.byteCount))
            }
        }
    }

    /// What config.json says about the outputs.
    func place(in config: inout JSON) {
        let causal = config["architectures"]?[0]?.string ?? ""
        config["architectures"] = [.string(Self.architecture(kind, causal))]
        var (names, indices) = (JSONObject(), JSONObject())
        for (index, label) in labels.enumerated() {
            names["\(index)"] = .string(label)
            indices[label] = JSON(index)
        }
        config["id2label"] = .object(names)
        config["label2id"] = .object(indices)
        if kind != .tokens { config["problem_type"] = .string(kind.rawValue) }
        // The class finds a text's last token by the padding after it.
        if config["pad_token_id"]?.isNull != false { config["pad_token_id"] = config["eos_token_id"]?[0] ?? config["eos_token_id"] ?? .null }
        config["use_cache"] = false
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
    /// The layer that scores, and the model below it; nil where the folder holds a model that writes.
    public func scoring() throws -> (body: Transformer, score: ScoreLayer)? {
        let own = try ["score.weight", "score.bias"].compactMap { name in
            try weights.find(name).map { (name: name, tensor: try $0.tensor().cast(to: .f32)) }
        }
        guard own.first?.name == "score.weight" else { return nil }
        let body = try Transformer(spec.body, ParameterScope(LoadedParameters(try bodyWeights(precision: .stored)), .packed))
        return (body, ScoreLayer(kind: scoreKind, labels: config["id2label"]?.object?.values.compactMap(\.string) ?? [], tensors: own))
    }

    /// The parameters but those of the vocabulary's projection, which a model that scores does not have.
    public func bodyWeights(precision: WeightPrecision = .f32) throws(FileError) -> [String: Tensor] {
        let heads = map.rows.filter { $0.ours == "head.weight" || $0.ours == "head.bias" }.flatMap(\.theirs.names)
        let known = WeightMap(
            map.rows, prefix: map.prefix, ignored: map.ignored + heads + ["score.weight", "score.bias"],
            ignoredBelow: map.ignoredBelow, aliases: map.aliases)
        let wanted = spec.bodyParameters.map { (name: $0.name, shape: $0.shape) }
        return try known.load(wanted, from: weights, precision: precision)
    }

    private var scoreKind: ScoreLayer.Kind {
        if config["architectures"]?[0]?.string?.hasSuffix("ForTokenClassification") == true { return .tokens }
        return ScoreLayer.Kind(rawValue: config["problem_type"]?.string ?? "") ?? .classification
    }
}
