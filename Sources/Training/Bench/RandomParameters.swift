import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors

/// Parameters without a file, for measuring speed: vectors of ones, matrices of random numbers in a stored type.
///
/// A few rows of each matrix are drawn and quantized, and repeated from there on: the search for good scales would take longer than
/// everything that is measured.
struct RandomParameters: ParameterSource {
    /// The types of each parameter's parts; a parameter that is not among them has f32.
    private let types: [String: [DType]]
    private let specs: [String: ParameterSpec]

    /// The types that a GGUF file of this quantization has.
    init(_ spec: TransformerSpec, _ quantization: GGUFQuantization) throws(FileError) {
        specs = Dictionary(spec.parameters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        types = try quantization.types(of: spec).mapValues { $0.compactMap(\.dtype) }
    }

    /// Where a file has fewer parts than there are here, the last one's type goes on.
    private func type(_ name: String, _ part: Int) -> DType {
        let list = types[name] ?? []
        return part < list.count ? list[part] : list.last ?? .f32
    }

    func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
        shape.rank < 2 ? Tensor.filled(shape, with: 1) : matrix(name, 0, rows: shape.rows, columns: shape.columns).reshaped(shape)
    }

    func parts(_ name: String, _ shape: Shape) throws -> [Tensor] {
        guard case .matrix(let rows) = specs[name]?.role else { return [try parameter(name, shape)] }
        return rows.enumerated().map { matrix(name, $0, rows: $1, columns: shape.columns) }
    }

    /// Bytes that the parameter's matrices take.
    func bytes(_ spec: ParameterSpec) -> Int {
        guard spec.shape.count > 1, let columns = spec.shape.last else { return spec.count * 4 }
        if case .matrix(let rows) = spec.role { return rows.enumerated().reduce(0) { $0 + type(spec.name, $1.0).bytes($1.1 * columns) } }
        return type(spec.name, 0).bytes(spec.count)
    }

    private func matrix(_ name: String, _ part: Int, rows: Int, columns: Int) -> Tensor {
        let type = type(name, part), drawn = min(rows, 256)
        let some = Tensor(uninitialized: [drawn, columns])
        some.fillNormal(deviation: 0.02, seed: 1, stream: UInt64(part))
        let stored = some.cast(to: type), whole = Tensor(uninitialized: [rows, columns], dtype: type)
        for start in stride(from: 0, to: rows, by: drawn) {
            let count = min(drawn, rows - start)
            whole.slice(0, start..<start + count).copyIn(stored.slice(0, 0..<count))
        }
        return whole
    }
}
