import CQuintetKernels

/// The product with an adapted weight: epilogue(gain * (x W^T + sum of scale (x A^T) B^T) + bias).
///
/// Backwards, gradients flow into A, B, the magnitudes, the bias and x; the base keeps none.
func adaptedProduct(_ x: Tensor, _ matrix: AdaptedMatrix, _ epilogue: Epilogue, _ adapting: Adapting, _ tape: Tape?) -> Tensor {
    let tape = matrix.base.isDifferentiable ? tape : nil
    let change = matrix.change
    let isPlain = epilogue.activation == .identity && epilogue.gate == nil
    let gains = matrix.gains()
    // What the base's own call may do: all of a plain epilogue, unless rows are stretched after it.
    let early = gains != nil ? Epilogue() : Epilogue(bias: epilogue.bias, residual: isPlain ? epilogue.residual : nil)
    let z = Tensor(uninitialized: x.shape.replacing(-1, with: matrix.base.outputs))
    base(z, x, matrix.base, early)
    let inner = LowRankPass(x, matrix, adapting)
    inner?.add(to: z, matrix)
    let stretched = gains.map { zipped(z, $0.gain, kind: QK_MULTIPLY) } ?? z
    let pre = gains != nil && epilogue.bias != nil ? zipped(stretched, epilogue.bias?.detached ?? z, kind: QK_ADD) : stretched
    let y = isPlain && gains == nil ? pre : late(pre, epilogue)
    let learned = [change.down] + change.parts.map(\.up) + change.parts.compactMap(\.magnitude)
    guard let tape, (learned + [x, epilogue.bias, epilogue.gate, epilogue.residual].compactMap { $0 }).contains(where: tape.needs) else { return y }
    let savedX = tape.needs(change.down) ? tape.save(x) : nil
    let savedGate = epilogue.gate.map(tape.save)
    let keepsPre = !isPlain
    let (source, end, savedPre) = (x.placeholder, epilogue.settled, keepsPre ? pre : nil)
    let raw = gains == nil ? nil : z
    let recorded = tape.record(y.detached) { dy, gradients in
        if let residual = end.residual { gradients.add(dy, to: residual) }
        var dv = epilogueGradient(dy, end, savedPre, savedGate?.value, gradients)
        biasGradient(dv, end.bias, gradients)
        if let gains, let raw {
            magnitudeGradients(dv, raw, gains.lengths, change, gradients)
            dv = zipped(dv, gains.gain, kind: QK_MULTIPLY)
        }
        if let inner { return inner.back(dv, savedX?.value, source, matrix, gradients) }
        if gradients.wants(source) { inputGradient(dv, matrix.base, gradients.destination(for: source)) }
    }
    if keepsPre, epilogue.gate == nil, epilogue.residual == nil {
        tape.offerRecipe(for: recorded) { mapped(pre, kind: epilogue.activation.kind) }
    }
    return recorded
}

/// The base's part; a base that is adapted itself brings what its own adapter adds.
private func base(_ z: Tensor, _ x: Tensor, _ weight: Weight, _ epilogue: Epilogue) {
    precondition(weight.isPlainProduct, "adapters of one weight lie side by side, not one on the other")
    product(z, x, weight, epilogue, pre: nil)
}

extension Weight {
    fileprivate var isPlainProduct: Bool { if case .adapted = self { false } else { true } }
}

/// What follows the sum where it is no part of a matrix call.
private func late(_ pre: Tensor, _ epilogue: Epilogue) -> Tensor {
    var y = epilogue.activation == .identity ? pre : mapped(pre, kind: epilogue.activation.kind)
    if let gate = epilogue.gate { y = zipped(y, gate.detached, kind: QK_MULTIPLY) }
    if let residual = epilogue.residual { y = zipped(y, residual.detached, kind: QK_ADD) }
    return y
}

/// dm += sum over rows of dv * z / length.
private func magnitudeGradients(_ dv: Tensor, _ z: Tensor, _ lengths: Tensor, _ change: LowRank, _ gradients: Gradients) {
    guard change.parts.contains(where: { $0.magnitude.map(gradients.wants) == true }) else { return }
    let sums = Tensor(uninitialized: [z.shape.columns])
    sumRows(zipped(dv, z, kind: QK_MULTIPLY), into: sums, adds: false)
    for part in change.parts {
        guard let magnitude = part.magnitude, gradients.wants(magnitude) else { continue }
        let own = Swift.zip(sums.slice(0, part.rows).floats, lengths.slice(0, part.rows).floats).map { $0 / max($1, .leastNormalMagnitude) }
        gradients.add(Tensor(own, [part.rows.count]), to: magnitude)
    }
}

/// The narrow products of one pass, and the way back through them.
private struct LowRankPass {
    /// x A^T times each rank's scale, [rows, ranks].
    let inputs: Tensor
    /// The scales, for all rows or row by row.
    private let factors: Tensor
    private let dropout: (share: Float, seed: UInt64, stream: UInt64)?

    /// Nil where no row gets anything.
    init?(_ x: Tensor, _ matrix: AdaptedMatrix, _ adapting: Adapting) {
        let change = matrix.change
        switch adapting.use {
        case .all: factors = matrix.scales
        case .none: return nil
        // Each row of the table has one number, so a share times a scale is exact. It has columns up to the last adapter that changes this matrix.
        case .shares(let shares): factors = plainProduct(shares, .dense(matrix.table))
        }
        dropout = change.dropout > 0 ? adapting.dropoutSeed.map { (change.dropout, $0, change.stream) } : nil
        let raw = plainProduct(dropout.map { masked(x, $0.share, $0.seed, $0.stream) } ?? x, matrix.down)
        inputs = zipped(raw, factors, kind: QK_MULTIPLY)
    }

    /// z's columns of every part += inputs B^T.
    func add(to z: Tensor, _ matrix: AdaptedMatrix) {
        for (part, up) in Swift.zip(matrix.change.parts, matrix.ups) {
            product(z.slice(-1, part.rows), inputs.slice(-1, part.ranks), up, Epilogue(), pre: nil, adds: true)
        }
    }

    func back(_ dv: Tensor, _ x: Tensor?, _ source: Tensor, _ matrix: AdaptedMatrix, _ gradients: Gradients) {
        let change = matrix.change
        let flows = gradients.wants(change.down) || gradients.wants(source)
        let dinputs = Tensor(uninitialized: inputs.shape)
        for part in change.parts {
            let own = dv.slice(-1, part.rows)
            if gradients.wants(part.up) { weightGradient(own, inputs.slice(-1, part.ranks), gradients.destination(for: part.up)) }
            if flows { inputGradient(own, part.up.detached, (dinputs.slice(-1, part.ranks), false)) }
        }
        guard flows else { return }
        let draw = zipped(dinputs, factors, kind: QK_MULTIPLY)
        if gradients.wants(change.down), let x {
            let seen = dropout.map { masked(x, $0.share, $0.seed, $0.stream) } ?? x
            weightGradient(draw, seen, gradients.destination(for: change.down))
        }
        guard gradients.wants(source) else { return }
        let destination = gradients.destination(for: source)
        inputGradient(dv, matrix.base, destination)
        guard let dropout else { return inputGradient(draw, change.down.detached, (destination.gradient, true)) }
        let hidden = Tensor(uninitialized: source.shape)
        inputGradient(draw, change.down.detached, (hidden, false))
        destination.gradient.addInPlace(masked(hidden, dropout.share, dropout.seed, dropout.stream))
    }
}

private func plainProduct(_ x: Tensor, _ weight: Weight) -> Tensor {
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs))
    product(y, x, weight, Epilogue(), pre: nil)
    return y
}
