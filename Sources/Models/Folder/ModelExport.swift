import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// Writes a model as a folder that `transformers` opens: config.json, generation_config.json, model.safetensors, README.md.
///
/// The same model gives the same bytes: nothing in the files depends on time or place.
public struct ModelExport {
    public let family: Family
    public let spec: TransformerSpec
    public var tokens: SpecialTokens
    /// The type all weights are written in.
    public var dtype: DType
    public var card: ModelCard
    /// A layer in place of the vocabulary's, for a model that scores texts or tokens.
    public var score: ScoreLayer?
    /// What the model's own generation_config.json says: kept, with the ids above where it names none.
    public var generation: JSONObject = [:]

    /// - Throws: `FileError` where no family can express the spec.
    public init(
        _ spec: TransformerSpec, family: Family? = nil, tokens: SpecialTokens = SpecialTokens(), dtype: DType = .f32, card: ModelCard
    ) throws(FileError) {
        guard let family = family ?? Families.expressing(spec) else {
            throw FileError(
                "no family can express this model", field: "model_type", expected: Families.all.map(\.name).joined(separator: ", "),
                hint: "change the specification or add a family")
        }
        self.family = family
        self.spec = spec
        self.tokens = tokens
        self.dtype = dtype
        self.card = card
    }

    /// Writes (or replaces, one file at a time, weights last) the files in `folder`, which is created.
    public func write(_ tensors: [String: Tensor], into folder: String) throws {
        let texts = try self.texts()
        let items = try self.items(tensors)
        try Folder.create(folder)
        for (name, text) in texts { try AtomicFile.write(Folder.join(folder, name), text) }
        try SafetensorsWriter.write(Folder.join(folder, "model.safetensors"), items)
    }

    /// The same files into a folder that appears whole.
    public func write(_ tensors: [String: Tensor], into directory: AtomicDirectory) throws {
        let items = try self.items(tensors)
        for (name, text) in try texts() { try directory.file(name) { writer in try writer.write(text) } }
        try directory.file("model.safetensors") { writer in
            try SafetensorsWriter.write(items, into: &writer, path: directory.final)
        }
    }

    /// The same from another model's files: each parameter is read when its turn comes, so the model never lies in memory as a whole.
    public func write(from folder: ModelFolder, into directory: AtomicDirectory) throws {
        let source = try ParameterReader(folder, scores: score != nil)
        let map = family.weights(spec)
        var items: [SafetensorsWriter.Item] = []
        for parameter in score == nil ? spec.parameters : spec.bodyParameters {
            for part in try map.parts(of: parameter.name, parameter.shape) {
                items.append(SafetensorsWriter.Item(part.name, SafetensorsType(dtype), part.shape) { [dtype] writer in
                    let tensor = part.cut(try source.read(parameter.name, as: dtype)).contiguous()
                    try writer.write(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
                })
            }
        }
        items += score?.items(dtype, family) ?? []
        for (name, text) in try texts() { try directory.file(name) { writer in try writer.write(text) } }
        try directory.file("model.safetensors") { writer in try SafetensorsWriter.write(items, into: &writer, path: directory.final) }
    }

    private func texts() throws(FileError) -> [(name: String, text: String)] {
        var config = try family.config(spec, tokens, dtype: dtypeName)
        score?.place(in: &config, family)
        return [
            ("config.json", config.serialized(pretty: true) + "\n"),
            ("generation_config.json", generationConfig.serialized(pretty: true) + "\n"),
            ("README.md", card.text(family: family, spec: spec)),
        ]
    }

    private func items(_ tensors: [String: Tensor]) throws(FileError) -> [SafetensorsWriter.Item] {
        var list: [(name: String, tensor: Tensor)] = []
        for parameter in score == nil ? spec.parameters : spec.bodyParameters {
            guard let tensor = tensors[parameter.name], tensor.shape.extents == parameter.shape else {
                throw FileError(
                    "a parameter to be saved is missing or of another shape", field: parameter.name, expected: "\(parameter.shape)",
                    found: tensors[parameter.name].map { "\($0.shape)" } ?? "nothing")
            }
            list.append((parameter.name, tensor))
        }
        return try family.weights(spec).save(list, as: dtype) + (score?.items(dtype, family) ?? [])
    }

    private var generationConfig: JSON {
        var config: JSONObject = generation.isEmpty ? ["_from_model_config": true] : generation
        func set(_ name: String, _ value: JSON) { if config[name].map(\.isNull) ?? true { config[name] = value } }
        if let bos = tokens.bos { set("bos_token_id", JSON(bos)) }
        if !tokens.eos.isEmpty { set("eos_token_id", tokens.eosJSON) }
        if let pad = tokens.pad { set("pad_token_id", JSON(pad)) }
        return .object(config)
    }

    private var dtypeName: String {
        switch dtype {
        case .f16: "float16"
        case .bf16: "bfloat16"
        default: "float32"
        }
    }
}
