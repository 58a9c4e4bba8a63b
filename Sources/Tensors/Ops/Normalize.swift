import CQuintetKernels

/// Layer norm or RMS norm over the last axis.
public enum Normalization: Sendable, Equatable {
    /// (x - mean) / sqrt(variance + epsilon).
    case layer(epsilon: Float)
    /// x / sqrt(mean(x^2) + epsilon), times (offset + weight).
    case rms(epsilon: Float, offset: Float)

    var kind: Int { if case .layer = self { 0 } else { 1 } }
    var epsilon: Float {
        switch self {
        case .layer(let epsilon), .rms(let epsilon, _): epsilon
        }
    }
    var offset: Float { if case .rms(_, let offset) = self { offset } else { 0 } }
}

/// Normalizes every row of x [rows, cols], then scales by `weight` [cols] and shifts by `bias` [cols].
public func normalize(
    _ x: Tensor, _ norm: Normalization, weight: Tensor? = nil, bias: Tensor? = nil, _ tape: Tape? = nil
) -> Tensor {
    let x = x.contiguous()
    guard let tape, [x, weight, bias].compactMap({ $0 }).contains(where: tape.needs) else {
        return forward(x, norm, weight, bias, stats: nil)
    }
    let stats = Tensor(uninitialized: [x.shape.rows, 2])
    let y = forward(x, norm, weight, bias, stats: stats)
    let recorded = tape.record(y) { dy, gradients in
        normWeightGradients(x, dy, stats, norm, weight, bias, gradients)
        if gradients.wants(x) { normInputGradient(x, dy, stats, norm, weight, gradients.destination(for: x)) }
    }
    let (weight, bias) = (weight?.detached, bias?.detached)
    tape.offerRecipe(for: recorded) { [x = x.detached] in forward(x, norm, weight, bias, stats: nil) }
    return recorded
}

private func forward(_ x: Tensor, _ norm: Normalization, _ weight: Tensor?, _ bias: Tensor?, stats: Tensor?) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    var call = KernelCall(QK_OP_NORM, kind: norm.kind)
    call.p.0 = y.data
    call.p.1 = x.data
    call.p.2 = weight?.data
    call.p.3 = bias?.data
    call.p.4 = stats?.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = Int64(x.shape.columns)
    call.n.3 = Int64(x.shape.columns)
    call.s.0 = norm.epsilon
    call.s.1 = norm.offset
    call.run()
    return y
}

func normInputGradient(
    _ x: Tensor, _ dy: Tensor, _ stats: Tensor, _ norm: Normalization, _ weight: Tensor?,
    _ destination: (gradient: Tensor, adds: Bool)
) {
    var call = KernelCall(QK_OP_NORM_GRAD, kind: norm.kind)
    call.p.0 = destination.gradient.data
    call.p.1 = x.data
    call.p.2 = weight?.data
    call.p.3 = dy.data
    call.p.4 = stats.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = destination.adds ? 1 : 0
    call.s.1 = norm.offset
    call.run()
}

func normWeightGradients(
    _ x: Tensor, _ dy: Tensor, _ stats: Tensor, _ norm: Normalization, _ weight: Tensor?, _ bias: Tensor?, _ gradients: Gradients
) {
    let toWeight = weight.flatMap { gradients.wants($0) ? gradients.destination(for: $0) : nil }
    let toBias = bias.flatMap { gradients.wants($0) ? gradients.destination(for: $0) : nil }
    // One call does both when both start fresh or both add.
    if let toWeight, let toBias, toWeight.adds == toBias.adds {
        return weightGradient(x, dy, stats, norm, toWeight.gradient, toBias.gradient, adds: toWeight.adds)
    }
    if let toWeight { weightGradient(x, dy, stats, norm, toWeight.gradient, nil, adds: toWeight.adds) }
    if let toBias { weightGradient(x, dy, stats, norm, nil, toBias.gradient, adds: toBias.adds) }
}

private func weightGradient(
    _ x: Tensor, _ dy: Tensor, _ stats: Tensor, _ norm: Normalization, _ dweight: Tensor?, _ dbias: Tensor?, adds: Bool
) {
    var call = KernelCall(QK_OP_NORM_GRAD_WEIGHT, kind: norm.kind)
    call.p.0 = dweight?.data
    call.p.1 = dbias?.data
    call.p.2 = x.data
    call.p.3 = dy.data
    call.p.4 = stats.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = adds ? 1 : 0
    call.run()
}
