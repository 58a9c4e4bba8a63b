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
    projectedCrossEntropy(
        x, .dense(weights.asParameter), bias: bias?.asParameter, targets: targets, scale: scale, rowScales: rowScales, logitScale: logitScale,
        softcap: softcap, chunkBytes: chunkBytes, tape)
}

/// The same with any weight that a product can be gone through backwards with: frozen blocks, an adapter.
public func projectedCrossEntropy(
    _ x: Tensor, _ weights: Weight, bias: Tensor? = nil, targets: Tensor, scale: Float, rowScales: Tensor? = nil, logitScale: Float = 1,
    softcap: Float = 0, chunkBytes: Int = 64 << 20, _ tape: Tape? = nil
) -> Tensor {
    let (rows, vocabulary) = (x.shape.rows, weights.outputs)
    let losses = Tensor(uninitialized: [rows])
    let tracked = tape.map { tape in ([x, bias].compactMap { $0 } + weights.parameters).contains(where: tape.needs) } ?? false
    precondition(!tracked || weights.isDifferentiable, "losses need weights that are not packed")
    let dx = tracked ? Tensor(uninitialized: x.shape) : nil
    let chunk = chunkRows(rows, vocabulary, chunkBytes)
    var start = 0
    while start < rows {
        let range = start..<min(start + chunk, rows)
        let inner = tracked ? Tape(parameters: tape?.parameters) : nil
        let part = inner?.input(x.slice(0, range)) ?? x.slice(0, range)
        let product = matmul(part, weights, Epilogue(bias: bias), inner)
        let logits = logitScale == 1 ? product : QuintetTensors.scale(product, by: logitScale, inner)
        crossEntropy(logits, targets.slice(0, range), losses.slice(0, range), scale, softcap, gradient: tracked)
        if tracked, let rowScales { scaleRows(logits, by: rowScales.slice(0, range)) }
        // The logits have become their gradient.
        if let dx, let inner, let dpart = inner.backward(from: logits, gradient: logits.detached)[part] { dx.slice(0, range).copyIn(dpart) }
        start = range.upperBound
    }
    guard let tape, let dx else { return losses }
    let x = x.placeholder
    return tape.record(losses) { _, gradients in gradients.add(dx, to: x) }
}

extension Tensor {
    /// Gradients flow into parameters alone: a value on the tape outside counts as a constant.
    fileprivate var asParameter: Tensor { if case .value = node { detached } else { self } }
}

extension Weight {
    /// The tensors that gradients may flow into.
    fileprivate var parameters: [Tensor] {
        switch self {
        case .dense(let tensor): [tensor]
        case .packed, .quantized, .stored: []
        case .adapted(let matrix):
            matrix.base.parameters + [matrix.change.down] + matrix.change.parts.map(\.up) + matrix.change.parts.compactMap(\.magnitude)
        }
    }
}

/// Rows per chunk: as many as fit into `bytes` of logits, evenly spread.
private func chunkRows(_ rows: Int, _ vocabulary: Int, _ bytes: Int) -> Int {
    let most = max(bytes / (4 * max(vocabulary, 1)), 1)
    let chunks = max((rows + most - 1) / most, 1)
    return max((rows + chunks - 1) / chunks, 1)
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
