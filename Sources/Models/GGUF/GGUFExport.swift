public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetTensors

/// Writes a model as a GGUF file, in the types of a quantization.
///
/// The metadata is proved before a number is written: read back, it has to give the same spec.
/// ```swift
/// let export = try GGUFExport(ModelFolder.open("./llama"), .q4_k_m, tokenizer: pairs)
/// let report = try export.write("llama.gguf")
/// ```
public struct GGUFExport {
    /// What was written.
    public struct Report: Sendable {
        public var path: String
        public var bytes = 0
        /// Tensors by type, in the order of first use.
        public var types: [(type: GGUFType, tensors: Int, bytes: Int)] = []
        /// Tensors whose rows are no whole number of blocks of the type that was wanted.
        public var replaced: [(name: String, wanted: GGUFType, type: GGUFType)] = []
        /// What llama.cpp computes otherwise with this file than the model says, one line each.
        public var warnings: [String] = []
    }

    private let pairs: [(key: String, value: GGUFWriter.Value)]
    private let items: [GGUFWriter.Item]
    private let replaced: [(name: String, wanted: GGUFType, type: GGUFType)]
    private let warnings: [String]

    /// `tokenizer` is the `tokenizer.*` part of the metadata, `general` what `general.*` says beside architecture and types.
    /// - Throws: `FileError` where no architecture of the format can say this model.
    public init(
        _ folder: ModelFolder, _ quantization: GGUFQuantization, general: [(key: String, value: GGUFWriter.Value)] = [],
        tokenizer: [(key: String, value: GGUFWriter.Value)]
    ) throws(FileError) {
        guard let architecture = GGUFArchitectures.holding(folder.family) else {
            throw FileError(
                "GGUF files cannot hold models of this family yet", path: folder.path, field: "model_type",
                expected: GGUFArchitectures.all.flatMap(\.families).joined(separator: ", "), found: folder.family.name)
        }
        if let refusal = architecture.limits.refusal(folder.spec) { throw Self.unsayable(folder, architecture, refusal) }
        let folder = folder.fitting(architecture.limits.fitted(folder.spec))
        let config = try folder.family.config(folder.spec, folder.tokens)
        guard let settings = architecture.write(folder.spec, config) else { throw Self.unsayable(folder, architecture) }
        var tensors = Tensors(folder, architecture, quantization)
        tensors.add(settings)
        try tensors.addParameters()
        var pairs: [(key: String, value: GGUFWriter.Value)] = [("general.architecture", .string(architecture.name)), ("general.type", .string("model"))]
        pairs += general + [("general.quantization_version", .u32(2))]
        let fileType = quantization.fileType ?? tensors.items.max { $0.byteCount < $1.byteCount }.flatMap { GGUFQuantization(rawValue: "\($0.type)")?.fileType }
        if let fileType { pairs.append(("general.file_type", .u32(fileType))) }
        pairs += architecture.pairs(config, folder.spec, settings) + tokenizer
        self.pairs = pairs
        items = tensors.items
        replaced = tensors.replaced
        warnings = architecture.limits.warnings(folder.spec).map { "\(folder.path): \($0)" }
        try prove(folder, architecture, config)
    }

    /// Reads the metadata back from a file of which nothing but the head is there.
    private func prove(_ folder: ModelFolder, _ architecture: GGUFArchitecture, _ config: JSON) throws(FileError) {
        let file = try GGUFWriter.preview(folder.path, pairs: pairs, items)
        let said = try architecture.config(of: file, in: try WeightFolder(folder.path, [file])).config
        let back = try? architecture.spec(of: file, said)
        if back?.spec.computes(like: folder.spec) == true { return }
        // The settings that the file would give other values, in the family's words.
        let other = try? back.map { try $0.family.config($0.spec, folder.tokens) }
        let settings = (config.object ?? [:]).filter { key, value in other.map { $0[key] != value } ?? false }.map(\.key)
        throw Self.unsayable(folder, architecture, settings.isEmpty ? nil : GGUFLimits.Refusal(settings.joined(separator: ", "), Self.fixed))
    }

    private static let fixed = "llama.cpp fixes what this model sets otherwise"

    private static func unsayable(_ folder: ModelFolder, _ architecture: GGUFArchitecture, _ refusal: GGUFLimits.Refusal? = nil) -> FileError {
        FileError(
            "the GGUF architecture \(architecture.name) cannot say this model", path: folder.path, field: refusal?.setting ?? "config.json",
            hint: refusal?.reason ?? fixed)
    }

    /// Bytes of all tensors: the total that progress counts to.
    public var byteCount: Int { items.reduce(0) { $0 + $1.byteCount } }

    /// Writes the file, whole or not at all.
    public func write(_ path: String, onProgress: (Int) throws -> Void = { _ in }) throws -> Report {
        try GGUFWriter.write(path, pairs: pairs, items, onProgress: onProgress)
        return Report(path: path, bytes: try Folder.size(of: path), types: GGUFExport.count(items), replaced: replaced, warnings: warnings)
    }

    static func count(_ items: [GGUFWriter.Item]) -> [(type: GGUFType, tensors: Int, bytes: Int)] {
        var rows: [(type: GGUFType, tensors: Int, bytes: Int)] = []
        for item in items {
            let row = rows.firstIndex { $0.type == item.type } ?? rows.count
            if row == rows.count { rows.append((item.type, 0, 0)) }
            rows[row].tensors += 1
            rows[row].bytes += item.byteCount
        }
        return rows
    }
}

extension GGUFArchitecture {
    /// The keys of the metadata for a configuration.
    fileprivate func pairs(_ config: JSON, _ spec: TransformerSpec, _ settings: [GGUFSetting]) -> [(key: String, value: GGUFWriter.Value)] {
        var pairs: [(key: String, value: GGUFWriter.Value)] = []
        func add(_ key: String, _ value: GGUFWriter.Value) {
            let key = "\(name).\(key)"
            if let place = pairs.firstIndex(where: { $0.key == key }) { pairs[place].value = value } else { pairs.append((key, value)) }
        }
        for field in fields { if let value = field.value(config[field.config]) { add(field.key, value) } }
        for setting in settings { if case .key(let key, let value) = setting.kind { add(key, value) } }
        add("vocab_size", .u32(UInt32(spec.vocabulary)))
        return pairs
    }
}

/// The tensors of an export: their types are chosen at once, their numbers are read when their turn comes.
private struct Tensors {
    let folder: ModelFolder
    let layout: GGUFLayout
    let quantization: GGUFQuantization
    var items: [GGUFWriter.Item] = []
    var replaced: [(name: String, wanted: GGUFType, type: GGUFType)] = []

    init(_ folder: ModelFolder, _ architecture: GGUFArchitecture, _ quantization: GGUFQuantization) {
        self.folder = folder
        layout = architecture.layout
        self.quantization = quantization
    }

    mutating func add(_ settings: [GGUFSetting]) {
        for setting in settings { if case .tensor(let name, let values) = setting.kind { items.append(GGUFWriter.Item(name, floats: values)) } }
    }

    mutating func addParameters() throws(FileError) {
        let spec = folder.spec
        let source = try ParameterReader(folder)
        let map = layout.weights(spec)
        for parameter in spec.parameters {
            for part in try map.parts(of: parameter.name, parameter.shape) {
                let (type, wanted) = quantization.type(of: part, in: spec, stored: source.type(of: parameter.name))
                if type != wanted { replaced.append((part.name, wanted, type)) }
                items.append(try item(part, type, source, parameter.name))
            }
        }
    }

    private func item(_ part: WeightPart, _ type: GGUFType, _ source: ParameterReader, _ name: String) throws(FileError) -> GGUFWriter.Item {
        guard let dtype = type.dtype else {
            throw FileError("tensors of this type cannot be written", path: folder.path, field: part.name, found: type.name)
        }
        let held: DType = part.shape.count > 1 && !dtype.isBlockFormat ? dtype : .f32
        return GGUFWriter.Item(part.name, type, part.shape) { writer in
            let tensor = part.cut(try source.read(name, as: held)).contiguous().cast(to: dtype)
            try writer.write(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
        }
    }
}
