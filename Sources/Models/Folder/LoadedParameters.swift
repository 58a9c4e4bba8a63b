public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// Parameters that lie in memory under our names.
public struct LoadedParameters: ParameterSource {
    public let tensors: [String: Tensor]

    public init(_ tensors: [String: Tensor]) { self.tensors = tensors }

    public func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
        guard let tensor = tensors[name] else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "no parameter of that name")
        }
        guard tensor.shape == shape else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "shape \(tensor.shape)")
        }
        return tensor
    }
}

/// Parameters read from a folder's files when a layer asks for them; once the next one is asked for, the pages of the one before
/// may go, so a model that is packed as it is built never lies in memory twice.
final class StoredParameters: ParameterSource {
    private let reader: WeightReader
    private let precision: WeightPrecision
    private let last = Guarded<String?>(nil)

    init(_ reader: WeightReader, _ precision: WeightPrecision) {
        self.reader = reader
        self.precision = precision
    }

    func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
        moveOn(to: name)
        let tensor = precision.kept(try reader.read(name))
        guard tensor.shape == shape else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "shape \(tensor.shape)")
        }
        return tensor
    }

    func parts(_ name: String, _ shape: Shape) throws -> [Tensor] {
        moveOn(to: name)
        let parts = try reader.parts(name).map(precision.kept)
        let rows = parts.reduce(0) { $0 + $1.shape[0] }
        guard shape.rank == 2, rows == shape[0], parts.allSatisfy({ $0.shape.rank == 2 && $0.shape[1] == shape[1] }) else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "\(parts.map(\.shape))")
        }
        return parts
    }

    private func moveOn(to name: String) {
        let before = last.withLock { last in
            defer { last = name }
            return last
        }
        if let before { reader.release(before) }
    }
}

extension ModelFolder {
    /// The model, ready to run, its adapters beside its weights; `.packed` holds matrices in the kernels' order (inference, the default), `.dense` as
    /// they are stored.
    public func transformer(_ layout: ParameterScope.Layout? = nil, precision: WeightPrecision = .stored) throws -> Transformer {
        let model = try model(StoredParameters(try weightReader(), precision), layout ?? .packed(arithmetic))
        try checkIntact()
        return model
    }

    private func model(_ stored: StoredParameters, _ layout: ParameterScope.Layout) throws -> Transformer {
        guard let adapters else { return try Transformer(spec, ParameterScope(stored, layout)) }
        let source = OverlaidParameters(base: stored) { adapters.whole($0) }
        return try Transformer(spec, ParameterScope(source, layout, adapters: adapters))
    }

    /// Reads the parameters one at a time, under our names.
    public func weightReader() throws(FileError) -> WeightReader {
        try WeightReader(map, weights, spec.parameters.map { (name: $0.name, shape: $0.shape) })
    }
}
