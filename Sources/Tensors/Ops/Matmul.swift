import CQuintetKernels

/// The right side of a matrix product: weights [outputs, inputs], dense or packed once for inference.
public enum Weight: Sendable {
    /// [outputs, inputs], f32, f16 or bf16.
    case dense(Tensor)
    case packed(PackedMatrix)

    public var outputs: Int {
        switch self {
        case .dense(let tensor): tensor.shape[0]
        case .packed(let matrix): matrix.outputs
        }
    }

    public var inputs: Int {
        switch self {
        case .dense(let tensor): tensor.shape[1]
        case .packed(let matrix): matrix.inputs
        }
    }
}

/// A weight matrix in column panels, the order in which the kernels read it.
public struct PackedMatrix: Sendable {
    public let outputs: Int, inputs: Int
    public let dtype: DType
    let storage: Storage

    /// Packs [outputs, inputs] weights.
    public init(_ weights: Tensor) {
        outputs = weights.shape[0]
        inputs = weights.shape[1]
        dtype = weights.dtype
        storage = Storage(byteCount: qk_gemm_packed_bytes(Int64(outputs), Int64(inputs), Int32(dtype.rawValue)))
        var call = KernelCall(QK_OP_GEMM_PACK)
        call.p.0 = storage.base
        call.p.1 = weights.data
        call.n.0 = Int64(outputs)
        call.n.1 = Int64(inputs)
        call.n.5 = Int64(weights.strides[1])
        call.n.6 = Int64(weights.strides[0])
        call.n.11 = dtype.rawValue
        call.run()
    }

    /// Bytes as stored.
    public var byteCount: Int { storage.byteCount }
}

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

/// x W^T with its epilogue: x [rows, inputs], W [outputs, inputs] give [rows, outputs].
///
///     let y = matmul(Tensor([1, 2], [1, 2]), .dense(Tensor([3, 4, 5, 6], [2, 2])))
///     y.floats  // [11, 17]
public func matmul(_ x: Tensor, _ weight: Weight, _ epilogue: Epilogue = Epilogue(), _ tape: Tape? = nil) -> Tensor {
    let x = x.strides[max(x.shape.rank - 1, 0)] == 1 || x.shape.columns <= 1 ? x : x.contiguous()
    precondition(x.shape.columns == weight.inputs, "\(x.shape) by weights of \(weight.inputs) inputs")
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs))
    guard let tape, case .dense(let w) = weight else {
        product(y, x, weight, epilogue, pre: nil)
        return y
    }
    let keepsPre = epilogue.activation != .identity
    let pre = keepsPre ? Tensor(uninitialized: y.shape) : nil
    product(y, x, weight, epilogue, pre: pre)
    let tracked = [x, w, epilogue.bias, epilogue.gate, epilogue.residual].compactMap { $0 }
    guard tracked.contains(where: tape.needs) else { return y }
    let savedX = tape.save(x)
    let savedGate = epilogue.gate.map(tape.save)
    // Without an activation a gate's gradient needs the product itself again.
    let savedProduct = epilogue.gate == nil || keepsPre ? pre : ungated(x, weight, epilogue)
    let recorded = tape.record(y) { dy, gradients in
        if let residual = epilogue.residual { gradients.add(dy, to: residual) }
        let dv = epilogueGradient(dy, epilogue, savedProduct, savedGate?.value, gradients)
        productGradient(dv, x: x, savedX, w, bias: epilogue.bias, gradients)
    }
    if let pre, epilogue.gate == nil, epilogue.residual == nil {
        tape.offerRecipe(for: recorded) { mapped(pre, kind: epilogue.activation.kind) }
    }
    return recorded
}

private func ungated(_ x: Tensor, _ weight: Weight, _ epilogue: Epilogue) -> Tensor {
    let y = Tensor(uninitialized: x.shape.replacing(-1, with: weight.outputs))
    product(y, x, weight, Epilogue(bias: epilogue.bias), pre: nil)
    return y
}

private func product(_ y: Tensor, _ x: Tensor, _ weight: Weight, _ epilogue: Epilogue, pre: Tensor?) {
    var call = KernelCall(QK_OP_GEMM, kind: epilogue.activation.kind)
    call.p.0 = y.data
    call.p.1 = x.data
    call.p.3 = epilogue.bias?.data
    call.p.4 = epilogue.residual?.data
    call.p.5 = pre?.data
    call.p.6 = epilogue.gate?.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(weight.outputs)
    call.n.2 = Int64(weight.inputs)
    call.n.3 = Int64(x.rowStride)
    call.n.4 = 1
    call.n.7 = Int64(weight.outputs)
    call.n.8 = Int64(epilogue.residual?.rowStride ?? 0)
    call.n.9 = Int64(weight.outputs)
    call.n.13 = Int64(epilogue.gate?.rowStride ?? 0)
    call.s.0 = 1
    weight.place(in: &call)
    call.run()
}

extension Weight {
    /// Where the right side of a product lies, and how.
    func place(in call: inout KernelCall) {
        call.p.2 = address
        switch self {
        case .dense(let w):
            call.n.5 = Int64(w.strides[1])
            call.n.6 = Int64(w.strides[0])
            call.n.11 = w.dtype.rawValue
        case .packed(let matrix):
            call.n.11 = matrix.dtype.rawValue
            call.n.12 = 1
        }
    }

    var address: UnsafeMutableRawPointer {
        switch self {
        case .dense(let w): w.data
        case .packed(let matrix): matrix.storage.base
        }
    }

    /// Bytes as stored.
    public var byteCount: Int {
        switch self {
        case .dense(let w): w.byteCount
        case .packed(let matrix): matrix.byteCount
        }
    }
}

/// Back through gate and activation: the gradient of the plain product.
private func epilogueGradient(
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

/// dW += dy^T x, dbias += sum of dy's rows, dx += dy W.
private func productGradient(
    _ dy: Tensor, x: Tensor, _ savedX: Saved, _ w: Tensor, bias: Tensor?, _ gradients: Gradients
) {
    if let bias, gradients.wants(bias) {
        let (db, adds) = gradients.destination(for: bias)
        sumRows(dy, into: db, adds: adds)
    }
    if gradients.wants(w) { weightGradient(dy, savedX.value, gradients.destination(for: w)) }
    if gradients.wants(x) { inputGradient(dy, w, gradients.destination(for: x)) }
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
    call.s.0 = 1
    call.run()
}

/// dx [rows, inputs] (+)= dy [rows, outputs] W [outputs, inputs].
func inputGradient(_ dy: Tensor, _ w: Tensor, _ destination: (gradient: Tensor, adds: Bool)) {
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
    call.n.7 = Int64(w.shape[1])
    call.n.10 = destination.adds ? 1 : 0
    call.n.11 = w.dtype.rawValue
    call.s.0 = 1
    call.run()
}
