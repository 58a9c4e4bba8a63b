import QuintetTensors

/// The scalars of one Muon update.
struct MuonStep {
    var learningRate: Float
    var momentum: Float
    var weightDecay: Float
    var gradientFactor: Float
}

/// One Muon update of a matrix in place: Nesterov momentum, orthogonalized, scaled by sqrt(max(1, rows / columns)).
///
/// Source: Jordan et al. 2024 (Muon).
func muon(_ parameter: Tensor, gradient: Tensor, momentum: Tensor, _ step: MuonStep) {
    let scaled = scale(gradient, by: step.gradientFactor)
    momentum.copyIn(add(scale(momentum, by: step.momentum), scaled))
    let direction = orthogonalized(add(scaled, scale(momentum, by: step.momentum)))
    let stretch = max(1, Float(parameter.shape[0]) / Float(parameter.shape[1])).squareRoot()
    let kept = scale(parameter, by: 1 - step.learningRate * step.weightDecay)
    parameter.copyIn(add(kept, scale(direction, by: -step.learningRate * stretch)))
}

/// The nearest matrix with orthonormal rows or columns, roughly: five quintic Newton-Schulz steps.
private func orthogonalized(_ matrix: Tensor) -> Tensor {
    let tall = matrix.shape[0] > matrix.shape[1]
    var x = tall ? matrix.transposed.contiguous() : matrix
    x = scale(x, by: 1 / (Float(squaredNorm(x).squareRoot()) + 1e-7))
    for _ in 0..<5 {
        let gram = matmul(x, .dense(x))
        let polynomial = add(scale(gram, by: -4.7750), scale(matmul(gram, .dense(gram)), by: 2.0315))
        x = add(scale(x, by: 3.4445), matmul(polynomial, .dense(x.transposed)))
    }
    return tall ? x.transposed.contiguous() : x
}
