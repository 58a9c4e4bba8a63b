public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// A model folder in Hugging Face layout, opened: what the model is, and where its weights lie.
///
/// ```swift
/// let folder = try ModelFolder.open("stories260K-hf")
/// folder.spec.layers.count                 // 5
/// let weights = try folder.loadWeights()   // our names, our layouts
/// ```
public struct ModelFolder: Sendable {
    public let path: String
    public let family: Family
    public let spec: TransformerSpec
    public let tokens: SpecialTokens
    /// config.json as it was written.
    public let config: JSON
    public let weights: WeightFolder
    /// What the person should know, one line each.
    public let warnings: [String]

    public static let configName = "config.json"

    /// Reads config.json and maps the weights; no number is touched yet.
    public static func open(_ path: String) throws(FileError) -> ModelFolder {
        guard Folder.isFolder(path) else {
            throw FileError(
                "not a model folder", path: path, expected: "a folder with config.json and model.safetensors",
                found: Folder.kind(of: path) ?? "nothing")
        }
        let configPath = Folder.join(path, configName)
        let config = try JSON.read(configPath)
        var reader = try ConfigReader(config, path: configPath)
        let family = try family(of: config, &reader)
        let spec = try family.spec(&reader)
        let tokens = SpecialTokens(
            bos: try reader.optionalInt("bos_token_id"), eos: try reader.ids("eos_token_id"), pad: try reader.optionalInt("pad_token_id"))
        try reader.finish()
        do { try spec.validate() } catch {
            throw FileError("impossible model", path: configPath, field: error.field, expected: error.expected, found: error.found)
        }
        return ModelFolder(
            path: path, family: family, spec: spec, tokens: tokens, config: config, weights: try WeightFolder.open(path),
            warnings: reader.warnings)
    }

    private static func family(of config: JSON, _ reader: inout ConfigReader) throws(FileError) -> Family {
        let name = try reader.text("model_type")
        if let family = Families.named(name) { return family }
        throw FileError(
            "this family of models is not supported", path: reader.path, field: "model_type",
            expected: Families.all.map(\.name).joined(separator: ", "), found: name,
            hint: nearestHint(name, Families.all.map(\.name)))
    }

    /// The parameters in our names and layouts; matrices stay in the file's precision unless f32 is asked for.
    public func loadWeights(precision: WeightPrecision = .stored) throws(FileError) -> [String: Tensor] {
        let wanted = spec.parameters.map { (name: $0.name, shape: $0.shape) }
        return try family.weights(spec).load(wanted, from: weights, precision: precision)
    }

    /// The type most bytes of the weights are stored in.
    public var storedType: SafetensorsType {
        var bytes: [SafetensorsType: Int] = [:]
        for file in weights.files { for entry in file.entries { bytes[entry.type, default: 0] += entry.range.count } }
        return SafetensorsType.allCases.max { bytes[$0, default: 0] < bytes[$1, default: 0] } ?? .f32
    }
}
