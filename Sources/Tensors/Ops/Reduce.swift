import CQuintetKernels

/// A reduction over the last axis.
public enum Reduction: Sendable {
    case sum, mean, maximum, sumOfSquares

    var kind: Int {
        switch self {
        case .sum: QK_SUM
        case .mean: QK_MEAN
        case .maximum: QK_MAX
        case .sumOfSquares: QK_SUM_OF_SQUARES
        }
    }
}

/// Reduces the last axis: [rows, cols] gives [rows]. The order depends on the number of columns only.
public func reduce(_ x: Tensor, _ reduction: Reduction, _ tape: Tape? = nil) -> Tensor {
    let x = x.contiguous()
    let y = Tensor(uninitialized: Shape(Array(x.shape.extents.dropLast())))
    var call = KernelCall(QK_OP_REDUCE_COLS, kind: reduction.kind)
    call.p.0 = y.data
    call.p.1 = x.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.run()
    guard let tape, tape.needs(x) else { return y }
    return tape.record(y) { dy, gradients in gradients.add(reductionGradient(x, dy, reduction), to: x) }
}

/// dx [rows, cols] from dy [rows]; of equal maxima the first takes the gradient.
private func reductionGradient(_ x: Tensor, _ dy: Tensor, _ reduction: Reduction) -> Tensor {
    let dx = Tensor(uninitialized: x.shape)
    var call = KernelCall(QK_OP_REDUCE_COLS_GRAD, kind: reduction.kind)
    call.p.0 = dx.data
    call.p.1 = x.data
    call.p.2 = dy.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.run()
    return dx
}

/// Sums over all rows into [cols], rows in order: a bias gradient.
func sumRows(_ x: Tensor, into out: Tensor, adds: Bool) {
    var call = KernelCall(QK_OP_REDUCE_ROWS, kind: QK_SUM)
    call.p.0 = out.data
    call.p.1 = x.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = Int64(x.rowStride)
    call.n.3 = adds ? 1 : 0
    call.run()
}

/// exp(scale * x) normalized over the last axis.
public func softmax(_ x: Tensor, scale: Float = 1, _ tape: Tape? = nil) -> Tensor {
    let x = x.contiguous()
    let y = Tensor(uninitialized: x.shape)
    var call = KernelCall(QK_OP_SOFTMAX)
    call.p.0 = y.data
    call.p.1 = x.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.s.0 = scale
    call.run()
    guard let tape, tape.needs(x) else { return y }
    return tape.record(y) { dy, gradients in
        let dx = Tensor(uninitialized: x.shape)
        var call = KernelCall(QK_OP_SOFTMAX_GRAD)
        call.p.0 = dx.data
        call.p.1 = y.data
        call.p.2 = dy.data
        call.n.0 = Int64(x.shape.rows)
        call.n.1 = Int64(x.shape.columns)
        call.s.0 = scale
        call.run()
        gradients.add(dx, to: x)
    }
}
