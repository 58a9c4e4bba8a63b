import CQuintetKernels

/// Vectors that lie side by side in every row of a matrix: `count` of them, each `width` columns, from column `start` on.
public struct RowParts: Sendable, Equatable {
    public var start: Int, count: Int, width: Int

    public init(start: Int, count: Int, width: Int) {
        self.start = start
        self.count = count
        self.width = width
    }

    var columns: Range<Int> { start..<start + count * width }
}

/// Normalizes vectors inside every row, each by itself, written over `x`, whose bytes nobody else may read.
///
/// `x` [rows, cols]; `weight` and `bias` hold `width` numbers, the same for all vectors of a row, or `count * width`, its own for each.
/// This is how heads of q and k are normalized where they lie, beside v.
public func normalizeInPlace(
    _ x: Tensor, _ parts: RowParts, _ norm: Normalization, weight: Tensor? = nil, bias: Tensor? = nil, _ tape: Tape? = nil
) -> Tensor {
    precondition(parts.columns.upperBound <= x.shape.columns, "\(parts) in \(x.shape)")
    guard let tape, [x, weight, bias].compactMap({ $0 }).contains(where: tape.needs) else {
        normalizeParts(x, parts, norm, weight, bias, stats: nil)
        return x
    }
    let before = x.slice(-1, parts.columns).copied().reshaped([x.shape.rows * parts.count, parts.width])
    let stats = Tensor(uninitialized: [before.shape.rows, 2])
    normalizeParts(x, parts, norm, weight, bias, stats: stats)
    return tape.record(x.detached) { dy, gradients in
        dy.makeUnique()
        let part = dy.slice(-1, parts.columns)
        let arrived = part.copied().reshaped(before.shape)
        let dx: Tensor
        if parts.count == 1 || weight?.count != parts.count * parts.width {
            normWeightGradients(before, arrived, stats, norm, weight, bias, gradients)
            dx = Tensor(uninitialized: before.shape)
            normInputGradient(before, arrived, stats, norm, weight, (dx, false))
        } else {
            dx = ownWeightGradients(before, arrived, parts, stats, norm, weight, bias, gradients)
        }
        part.copyIn(dx.reshaped(part.shape))
        gradients.add(dy, to: x)
    }
}

/// The same where every vector of a row has its own weight, composed of simple kernels.
private func ownWeightGradients(
    _ x: Tensor, _ dy: Tensor, _ parts: RowParts, _ stats: Tensor, _ norm: Normalization, _ weight: Tensor?, _ bias: Tensor?,
    _ gradients: Gradients
) -> Tensor {
    let wide: Shape = [x.shape.rows / parts.count, parts.count * parts.width]
    let dy = dy.reshaped(wide)
    if let bias, gradients.wants(bias) {
        let (db, adds) = gradients.destination(for: bias)
        sumRows(dy, into: db, adds: adds)
    }
    guard let weight else { preconditionFailure("weights of their own without weights") }
    if gradients.wants(weight) {
        let unit = x.copied()
        normalizeParts(unit, RowParts(start: 0, count: 1, width: parts.width), norm, nil, nil, stats: nil)
        let (dw, adds) = gradients.destination(for: weight)
        sumRows(zipped(dy, unit.reshaped(wide), kind: QK_MULTIPLY), into: dw, adds: adds)
    }
    let offset = mapped(weight.detached, kind: QK_AFFINE, 1, norm.offset)
    let weighted = zipped(dy, offset, kind: QK_MULTIPLY).reshaped(x.shape)
    let dx = Tensor(uninitialized: x.shape)
    normInputGradient(x, weighted, stats, norm, nil, (dx, false))
    return dx
}

private func normalizeParts(_ x: Tensor, _ parts: RowParts, _ norm: Normalization, _ weight: Tensor?, _ bias: Tensor?, stats: Tensor?) {
    var call = KernelCall(QK_OP_NORM, kind: norm.kind)
    call.p.0 = x.data + parts.start * 4
    call.p.1 = x.data + parts.start * 4
    call.p.2 = weight?.data
    call.p.3 = bias?.data
    call.p.4 = stats?.data
    call.n.0 = Int64(x.shape.rows * parts.count)
    call.n.1 = Int64(parts.width)
    call.n.2 = Int64(x.rowStride)
    call.n.3 = Int64(x.rowStride)
    call.n.4 = Int64(parts.count)
    call.n.5 = parts.count > 1 && weight?.count == parts.count * parts.width ? 1 : 0
    call.s.0 = norm.epsilon
    call.s.1 = norm.offset
    call.run()
}
