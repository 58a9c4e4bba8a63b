import CQuintetKernels

/// The vocabulary projection and its cross-entropy in one: logits are made in chunks of rows and never stored.
///
/// `x` [rows, width], `weights` [vocabulary, width], `targets` i32 [rows] (negative: ignored). Gives the loss of each row in nats.
/// With a tape, the gradient of `scale * sum(losses)` is computed on the way forward, chunk by chunk, and handed on by
/// `backward`, whose own gradient for the losses is taken to be ones. With `rowScales` f32 [rows] it is that of
/// `scale * sum(rowScales * losses)`.
public func projectedCrossEntropy(
    _ x: Tensor, _ weights: Tensor, bias: Tensor? = nil, targets: Tensor, scale: Float, rowScales: Tensor? = nil, logitScale: Float = 1,
    softcap: Float = 0, chunkBytes: Int = 64 << 20, _ tape: Tape? = nil
) -> Tensor {
    let (rows, vocabulary) = (x.shape.rows, weights.shape[0])
    let losses = Tensor(uninitialized: [rows])
    let tracked = tape.map { $0.needs(x) || $0.needs(weights) } ?? false
    let dx = tracked ? Tensor(uninitialized: x.shape) : nil
    let chunk = chunkRows(rows, vocabulary, chunkBytes)
    var start = 0
    while start < rows {
        let range = start..<min(start + chunk, rows)
        let part = x.slice(0, range)
        let logits = chunkLogits(part, weights, bias, logitScale)
        crossEntropy(logits, targets.slice(0, range), losses.slice(0, range), scale, softcap, gradient: tracked)
        if tracked, let rowScales { scaleRows(logits, by: rowScales.slice(0, range)) }
        if let tape, let dx { chunkGradient(logits, part, weights, bias, logitScale, dx.slice(0, range), tape) }
        start = range.upperBound
    }
    guard let tape, let dx else { return losses }
    return tape.record(losses) { _, gradients in gradients.add(dx, to: x) }
}

/// Rows per chunk: as many as fit into `bytes` of logits, evenly spread.
private func chunkRows(_ rows: Int, _ vocabulary: Int, _ bytes: Int) -> Int {
    let most = max(bytes / (4 * max(vocabulary, 1)), 1)
    let chunks = max((rows + most - 1) / most, 1)
    return max((rows + chunks - 1) / chunks, 1)
}

private func chunkLogits(_ x: Tensor, _ weights: Tensor, _ bias: Tensor?, _ logitScale: Float) -> Tensor {
    let logits = matmul(x, .dense(weights.detached), Epilogue(bias: bias?.detached))
    return logitScale == 1 ? logits : scale(logits, by: logitScale)
}

private func crossEntropy(
    _ logits: Tensor, _ targets: Tensor, _ losses: Tensor, _ scale: Float, _ softcap: Float, gradient: Bool
) {
    var call = KernelCall(QK_OP_CROSS_ENTROPY, kind: gradient ? 1 : 0)
    call.p.0 = logits.data
    call.p.1 = targets.data
    call.p.2 = losses.data
    call.n.0 = Int64(logits.shape.rows)
    call.n.1 = Int64(logits.shape.columns)
    call.n.2 = Int64(logits.rowStride)
    call.s.0 = scale
    call.s.1 = softcap
    call.run()
}

/// Multiplies each row of `x` in place by its own number.
private func scaleRows(_ x: Tensor, by factors: Tensor) {
    var call = KernelCall(QK_OP_ZIP, kind: QK_MULTIPLY)
    call.p.0 = x.data
    call.p.1 = x.data
    call.p.2 = factors.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = 1
    call.n.3 = 0
    call.run()
}

private func chunkGradient(
    _ dlogits: Tensor, _ x: Tensor, _ weights: Tensor, _ bias: Tensor?, _ logitScale: Float, _ dx: Tensor, _ tape: Tape
) {
    let dlogits = logitScale == 1 ? dlogits : scale(dlogits, by: logitScale)
    inputGradient(dlogits, weights, (dx, false))
    guard let parameters = tape.parameters else { return }
    if case .parameter(let index) = weights.node { weightGradient(dlogits, x, parameters.gradientDestination(index)) }
    if let bias, case .parameter(let index) = bias.node {
        let (dbias, adds) = parameters.gradientDestination(index)
        sumRows(dlogits, into: dbias, adds: adds)
    }
}
