public import QuintetCheckpoints
import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// Parameters that lie in memory under our names: what a checkpoint was read into.
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

extension ModelFolder {
    /// The model, ready to run; `.packed` holds matrices in the kernels' order (inference), `.dense` as they are stored.
    public func transformer(_ layout: ParameterScope.Layout = .packed, precision: WeightPrecision = .stored) throws -> Transformer {
        try Transformer(spec, ParameterScope(LoadedParameters(try loadWeights(precision: precision)), layout))
    }
}
