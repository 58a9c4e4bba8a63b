public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// A model on disk, opened: what it is, and where its weights lie. A folder in Hugging Face layout, or a GGUF file.
///
/// ```swift
/// let folder = try ModelFolder.open("stories260K-hf")
/// folder.spec.layers.count                 // 5
/// let weights = try folder.loadWeights()   // our names, our layouts
/// ```
public struct ModelFolder: Sendable {
    public let path: String
    public let family: Family
    public private(set) var spec: TransformerSpec
    public let tokens: SpecialTokens
    /// config.json as it was written; of a model that also sees pictures, what it says of the text part.
    public let config: JSON
    public let weights: WeightFolder
    /// How the names and layouts in these files correspond to ours.
    public private(set) var map: WeightMap
    public let source: Source
    /// What the person should know, one line each.
    public let warnings: [String]
    /// How products take their numbers when the model runs: those of a folder as its reference does, those of a GGUF file as llama.cpp does.
    public var arithmetic: FrozenArithmetic
    /// Adapters that count with the weights.
    var adapters: AppliedAdapters?

    public static let configName = "config.json"

    /// What kind of thing lies at the path.
    public enum Source: Sendable {
        case folder
        case gguf(GGUFFile, GGUFArchitecture)
    }

    /// Reads what describes the model and maps the weights; no number is touched yet. The folder of an adapter is its base with the adapter.
    public static func open(_ path: String) throws(FileError) -> ModelFolder {
        if AdapterFolder.isOne(path) { return try AdapterFolder(path).open() }
        if Folder.isFile(path), GGUFFile.isName(path) || GGUFFile.isGGUF(path) { return try open(gguf: path) }
        guard Folder.isFolder(path) else {
            throw FileError(
                "not a model folder", path: path, expected: "a folder with config.json and model.safetensors",
                found: Folder.kind(of: path) ?? "nothing")
        }
        let configPath = Folder.join(path, configName)
        let whole = try JSON.read(configPath), part = TextPart(whole)
        let config = part?.config ?? whole
        var reader = try ConfigReader(config, path: configPath, field: part.map { _ in TextPart.field })
        if let part { reader.warn("only the text part of this \(part.whole) model is loaded; what sees pictures is left out") }
        let family = try family(of: config, &reader)
        let said = try family.checkedSpec(&reader)
        let tokens = SpecialTokens(
            bos: try reader.optionalInt("bos_token_id"), eos: try reader.ids("eos_token_id"), pad: try reader.optionalInt("pad_token_id"))
        let all = try WeightFolder.open(path)
        let weights = try (part?.weights(in: all) ?? all).unwrapped(for: family.weights(said))
        let (spec, warning) = try HeadTie.settled(said, family, weights)
        return ModelFolder(
            path: path, family: family, spec: spec, tokens: tokens, config: config, weights: weights, map: family.weights(spec), source: .folder,
            warnings: reader.warnings + [warning, weights.wrapping.map { "\(path): \($0) before the names of the weights is left out" }].compactMap { $0 },
            arithmetic: .exact)
    }

    private static func family(of config: JSON, _ reader: inout ConfigReader) throws(FileError) -> Family {
        let name = try reader.text("model_type")
        if let family = Families.named(name) { return family }
        throw FileError(
            "this family of models is not supported", path: reader.path, field: "model_type",
            expected: Families.all.map(\.name).joined(separator: ", "), found: name,
            hint: nearestHint(name, Families.all.map(\.name)))
    }

    /// The same model as another spec says it, which may give a head of its own to one whose head is its embedding.
    func fitting(_ spec: TransformerSpec) -> ModelFolder {
        guard self.spec.head.projection.isTied, !spec.head.projection.isTied else { return self }
        var copy = self
        copy.spec = spec
        copy.map = map.adding(map.rows.filter { $0.ours == "embedding.tokens.weight" }.map { $0.theirs <-> "head.weight" })
        return copy
    }

    /// - Throws: `FileError` where a file of weights was cut short since it was opened, so that numbers that were read may have been zeros.
    public func checkIntact() throws(FileError) { for file in weights.files { try file.checkIntact() } }

    /// The parameters in our names and layouts; matrices stay in the file's precision unless f32 is asked for.
    public func loadWeights(precision: WeightPrecision = .stored) throws(FileError) -> [String: Tensor] {
        let wanted = spec.parameters.map { (name: $0.name, shape: $0.shape) }
        var loaded = try map.load(wanted, from: weights, precision: precision)
        try checkIntact()
        guard let adapters else { return loaded }
        try adapters.checkMerging()
        for (name, tensor) in loaded {
            let own = adapters.whole(name) ?? tensor
            loaded[name] = adapters.touches(name) ? try adapters.merged(name, into: own.contiguous().cast(to: .f32)) : own
        }
        return loaded
    }

    /// What a comparison with a reference needs: products with MXFP4 blocks round activations to bytes, references multiply the numbers that
    /// the blocks stand for.
    public var exactPrecision: WeightPrecision {
        if case .folder = source, weights.names.contains(where: { $0.hasSuffix("_blocks") }) { .f32 } else { .stored }
    }

    /// The type most bytes of the weights are stored in, by its name in the files.
    public var storedType: String {
        var bytes: [String: Int] = [:]
        for file in weights.files { for entry in file.tensors { bytes[entry.type, default: 0] += entry.byteCount } }
        return bytes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "F32"
    }

    /// Whether some of the weights are stored in blocks of numbers with a common scale.
    public var hasBlocks: Bool {
        weights.files.contains { $0.tensors.contains { entry in ["Q", "IQ", "TQ", "MXFP", "U8"].contains { entry.type.hasPrefix($0) } } }
    }
}
