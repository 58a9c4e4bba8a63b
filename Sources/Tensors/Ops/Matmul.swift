import CQuintetKernels

/// What happens to a tile of a product while it is still in registers: v = f(sum + bias); v *= gate; v += residual.
public struct Epilogue {
    public var bias: Tensor?
    public var activation: Activation
    public var gate: Tensor?
    public var residual: Tensor?

    public init(bias: Tensor? = nil, activation: Activation = .identity, gate: Tensor? = nil, residual: Tensor? = nil) {
        self.bias = bias
        self.activation = activation
        self.gate = gate
        self.residual = residual
    }
}

extension Epilogue {
    /// What the way back has to know of it: whose gradients, not the numbers.
    var settled: Epilogue {
        Epilogue(bias: bias?.placeholder, activation: activation, gate: gate?.placeholder, residual: residual?.placeholder)
    }
}

/// x W^T with its epilogue: x [rows, inputs], W [outputs, inputs] give [rows, outputs].
///
///     let y = matmul(Tensor([1, 2], [1, 2]), .dense(Tensor([3, 4, 5, 6], [2, 2])))
///     y.floats  // [11, 17]
public func matmul(
    _ x: Tensor, _ weight: Weight, _ epilogue: Epilogue = Epilogue(), adapting: Adapting = Adapting(), _ tape: Tape? = nil
) -> Tensor {
    let x = x.strides[max(x.shape.rank - 1, 0)] == 1 || x.shape.columns <= 1 ? x : x.contiguous()
    precondition(x.shape.columns == weight.inputs, "\(x.shape) by weights of \(weight.inputs) inputs")
    if case .adapted(let matrix) = weight { return adaptedProduct(x, matrix, epilogue, adapting, tape) }
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs))
    guard let tape, weight.isDifferentiable else {
        product(y, x, weight, epilogue, pre: nil)
        return y
    }
    let keepsPre = epilogue.activation != .identity
    let pre = keepsPre ? Tensor(uninitialized: y.shape) : nil
    product(y, x, weight, epilogue, pre: pre)
    let tracked = [x, weight.learned, epilogue.bias, epilogue.gate, epilogue.residual].compactMap { $0 }
    guard tracked.contains(where: tape.needs) else { return y }
    // A frozen weight asks for no input.
    let savedX = weight.learned.flatMap { tape.needs($0) ? tape.save(x) : nil }
    let savedGate = epilogue.gate.map(tape.save)
    // Without an activation a gate's gradient needs the product itself again.
    let savedProduct = epilogue.gate == nil || keepsPre ? pre : ungated(x, weight, epilogue)
    let (source, epilogue) = (x.placeholder, epilogue.settled)
    let recorded = tape.record(y) { dy, gradients in
        if let residual = epilogue.residual { gradients.add(dy, to: residual) }
        let dv = epilogueGradient(dy, epilogue, savedProduct, savedGate?.value, gradients)
        biasGradient(dv, epilogue.bias, gradients)
        if let w = weight.learned, gradients.wants(w), let savedX { weightGradient(dv, savedX.value, gradients.destination(for: w)) }
        if gradients.wants(source) { inputGradient(dv, weight, gradients.destination(for: source)) }
    }
    if let pre, epilogue.gate == nil, epilogue.residual == nil {
        tape.offerRecipe(for: recorded) { mapped(pre, kind: epilogue.activation.kind) }
    }
    return recorded
}

extension Weight {
    /// Whether a product with it can be gone through backwards: packed weights are for inference.
    var isDifferentiable: Bool {
        switch self {
        case .dense, .stored: true
        case .packed, .quantized: false
        case .adapted(let matrix): matrix.base.isDifferentiable
        }
    }

    /// What a gradient may flow into.
    var learned: Tensor? { if case .dense(let tensor) = self { tensor } else { nil } }
}

private func ungated(_ x: Tensor, _ weight: Weight, _ epilogue: Epilogue) -> Tensor {
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs))
    product(y, x, weight, Epilogue(bias: epilogue.bias), pre: nil)
    return y
}

/// y = epilogue(x W^T); `adds`: y = epilogue(y + x W^T), plain weights only.
func product(_ y: Tensor, _ x: Tensor, _ weight: Weight, _ epilogue: Epilogue, pre: Tensor?, adds: Bool = false) {
    guard case .stored(let matrix) = weight else { return window(y, x, weight, epilogue, pre, from: 0, adds) }
    matrix.forEachPart { rows, plain in window(y, x, .dense(plain), epilogue, pre, from: rows.lowerBound, adds, matrix.arithmetic) }
}

/// The columns of a product that a weight with some of the rows gives, from column `start` on.
private func window(
    _ y: Tensor, _ x: Tensor, _ weight: Weight, _ epilogue: Epilogue, _ pre: Tensor?, from start: Int, _ adds: Bool,
    _ arithmetic: FrozenArithmetic = .exact
) {
    var call = KernelCall(QK_OP_GEMM, kind: epilogue.activation.kind)
    call.p.0 = y.data + 4 * start
    call.p.1 = x.data
    call.p.3 = epilogue.bias.map { $0.data + 4 * start }
    call.p.4 = epilogue.residual.map { $0.data + 4 * start }
    call.p.5 = pre.map { $0.data + 4 * start }
    call.p.6 = epilogue.gate.map { $0.data + 4 * start }
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(weight.outputs)
    call.n.2 = Int64(weight.inputs)
    call.n.3 = Int64(x.rowStride)
    call.n.4 = 1
    call.n.7 = Int64(y.rowStride)
    call.n.8 = Int64(epilogue.residual?.rowStride ?? 0)
    call.n.9 = Int64(pre?.rowStride ?? 0)
    call.n.10 = adds ? 1 : 0
    call.n.13 = Int64(epilogue.gate?.rowStride ?? 0)
    call.s.0 = 1
    weight.place(in: &call)
    if case .dense(let plain) = weight, arithmetic != .exact { call.n.15 = arithmetic.rounding(plain.dtype) }
    call.run()
}

/// f(first half of the outputs) * second half, in the product's own call; block formats only.
func product(_ x: Tensor, _ weight: Weight, gatedBy function: Activation) -> Tensor {
    let x = x.contiguous()
    precondition(x.shape.columns == weight.inputs, "\(x.shape) by weights of \(weight.inputs) inputs")
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs / 2))
    var call = KernelCall(QK_OP_GEMM, kind: function.kind)
    (call.p.0, call.p.1) = (y.data, x.data)
    (call.n.0, call.n.1, call.n.2) = (Int64(x.shape.rows), Int64(weight.outputs), Int64(weight.inputs))
    (call.n.3, call.n.4, call.n.7, call.n.18) = (Int64(x.rowStride), 1, Int64(weight.outputs / 2), 1)
    call.s.0 = 1
    weight.place(in: &call)
    call.run()
    return y
}

/// Back through gate and activation: the gradient of the plain product.
func epilogueGradient(
    _ dy: Tensor, _ epilogue: Epilogue, _ pre: Tensor?, _ gate: Tensor?, _ gradients: Gradients
) -> Tensor {
    var dv = dy
    if let gate, let gateTensor = epilogue.gate, let pre {
        if gradients.wants(gateTensor) {
            gradients.add(zipped(dv, mapped(pre, kind: epilogue.activation.kind), kind: QK_MULTIPLY), to: gateTensor)
        }
        dv = zipped(dv, gate, kind: QK_MULTIPLY)
    }
    guard epilogue.activation != .identity, let pre else { return dv }
    let dpre = Tensor(uninitialized: pre.shape)
    mapGradient(kind: epilogue.activation.kind, pre, dv, (dpre, false))
    return dpre
}

/// dbias += sum of dy's rows.
func biasGradient(_ dy: Tensor, _ bias: Tensor?, _ gradients: Gradients) {
    guard let bias, gradients.wants(bias) else { return }
    let (db, adds) = gradients.destination(for: bias)
    sumRows(dy, into: db, adds: adds)
}

/// dW [outputs, inputs] (+)= dy^T [outputs, rows] x [rows, inputs].
func weightGradient(_ dy: Tensor, _ x: Tensor, _ destination: (gradient: Tensor, adds: Bool)) {
    var call = KernelCall(QK_OP_GEMM)
    call.p.0 = destination.gradient.data
    call.p.1 = dy.data
    call.p.2 = x.data
    call.n.0 = Int64(dy.shape.columns)
    call.n.1 = Int64(x.shape.columns)
    call.n.2 = Int64(dy.shape.rows)
    call.n.3 = 1
    call.n.4 = Int64(dy.rowStride)
    call.n.5 = Int64(x.rowStride)
    call.n.6 = 1
    call.n.7 = Int64(x.shape.columns)
    call.n.10 = destination.adds ? 1 : 0
    call.n.19 = 1
    call.s.0 = 1
    call.run()
}

/// dx [rows, inputs] (+)= dy [rows, outputs] W [outputs, inputs].
func inputGradient(_ dy: Tensor, _ weight: Weight, _ destination: (gradient: Tensor, adds: Bool)) {
    switch weight {
    case .dense(let w): inputGradient(dy, w, destination)
    case .stored(let matrix):
        var adds = destination.adds
        matrix.forEachPart { rows, plain in
            inputGradient(dy.slice(-1, rows), plain, (destination.gradient, adds), matrix.arithmetic)
            adds = true
        }
    case .adapted(let matrix): inputGradient(dy, matrix.base, destination)
    case .packed, .quantized: preconditionFailure("packed weights are for inference")
    }
}

/// The same with a matrix as it lies; rows of dy and dx may have any stride.
func inputGradient(_ dy: Tensor, _ w: Tensor, _ destination: (gradient: Tensor, adds: Bool), _ arithmetic: FrozenArithmetic = .exact) {
    var call = KernelCall(QK_OP_GEMM)
    call.p.0 = destination.gradient.data
    call.p.1 = dy.data
    call.p.2 = w.data
    call.n.0 = Int64(dy.shape.rows)
    call.n.1 = Int64(w.shape[1])
    call.n.2 = Int64(w.shape[0])
    call.n.3 = Int64(dy.rowStride)
    call.n.4 = 1
    call.n.5 = Int64(w.strides[0])
    call.n.6 = Int64(w.strides[1])
    call.n.7 = Int64(destination.gradient.rowStride)
    call.n.10 = destination.adds ? 1 : 0
    call.n.11 = w.dtype.rawValue
    // The gradient has no type of its own to round to.
    call.n.15 = arithmetic.rounding(w.dtype) == 1 ? 1 : 0
    call.s.0 = 1
    call.run()
}
