import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

/// A few numbers of the base that an adapter was made for, so that another model of the same shape is not taken for it.
///
/// Quantized, the base gives nearly the same numbers; another model gives others.
struct BaseSample {
    private let parameter: String
    private let values: [Float]
    private let path: String

    private static let count = 64
    /// Largest distance of the two samples, as a share of their length; 4-bit blocks come to about 0.1, other models to about 1.4.
    private static let limit = 0.6

    /// From the first row that a module changes.
    init(_ folder: ModelFolder, _ module: AdapterModule) throws(FileError) {
        parameter = module.parameter
        values = try Self.row(folder, module.parameter)
        path = ""
    }

    init(_ text: String, path: String) throws(FileError) {
        let json = try JSON.parse(text, source: path)
        guard let parameter = json["parameter"]?.string, let list = json["values"]?.array, list.count <= Self.count,
            list.allSatisfy({ $0.double?.isFinite == true })
        else { throw FileError("the note on the adapter's base is none", path: path, field: "quintet_base_sample") }
        self.parameter = parameter
        values = list.map { Float($0.double ?? 0) }
        self.path = path
    }

    var text: String {
        JSON.object(["parameter": .string(parameter), "values": .array(values.map { JSON($0) })]).serialized()
    }

    /// - Throws: `FileError` where the model's numbers are others.
    func check(_ folder: ModelFolder) throws(FileError) {
        let own = try Self.row(folder, parameter)
        guard own.count == values.count else { throw other("another shape") }
        let (a, b) = (values.map(Double.init), own.map(Double.init))
        let distance = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        let length = max(a.reduce(0) { $0 + $1 * $1 }, b.reduce(0) { $0 + $1 * $1 }).squareRoot()
        if distance > Self.limit * length { throw other("numbers \((100 * distance / length).rounded()) % away") }
    }

    private func other(_ found: String) -> FileError {
        FileError(
            "the adapter was trained on another base model", path: path, field: parameter, expected: "the numbers it was trained on", found: found)
    }

    private static func row(_ folder: ModelFolder, _ parameter: String) throws(FileError) -> [Float] {
        let isTied = parameter == "head.weight" && folder.spec.head.projection.isTied
        let name = isTied ? "embedding.tokens.weight" : parameter
        guard folder.spec.parameters.contains(where: { $0.name == name }) else { throw FileError("no such parameter", path: folder.path, field: name) }
        guard let part = try folder.weightReader().parts(name).first, part.shape.rank == 2, part.shape[0] > 0 else { return [] }
        let row = part.slice(0, 0..<1).cast(to: .f32).floats
        let step = max(row.count / count, 1)
        return stride(from: 0, to: row.count, by: step).prefix(count).map { row[$0] }
    }
}
