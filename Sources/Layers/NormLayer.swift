public import QuintetTensors

/// Layer norm or RMS norm with its weight and bias.
public struct NormLayer: Sendable {
    let normalization: Normalization
    let weight: Tensor?
    let bias: Tensor?

    public init(_ norm: Norm, width: Int, _ scope: ParameterScope) throws {
        switch norm {
        case .layer(let epsilon, _): normalization = .layer(epsilon: epsilon)
        case .rms(let epsilon, let offset): normalization = .rms(epsilon: epsilon, offset: offset)
        }
        weight = norm.hasWeight ? try scope.tensor("weight", [width]) : nil
        bias = norm.hasBias ? try scope.tensor("bias", [width]) : nil
    }

    public func callAsFunction(_ x: Tensor, _ tape: Tape?) -> Tensor {
        normalize(x, normalization, weight: weight, bias: bias, tape)
    }

    /// The same for vectors inside the rows, written over `x`, whose bytes nobody else may read.
    func inPlace(_ x: Tensor, _ parts: RowParts, _ tape: Tape?) -> Tensor {
        normalizeInPlace(x, parts, normalization, weight: weight, bias: bias, tape)
    }
}
