import CQuintetKernels

/// An elementwise function of one argument.
public enum Activation: Sendable, Equatable {
    case identity, relu, gelu, geluTanh, silu, sigmoid, tanh, reluSquared
    /// x * sigmoid(1.702 x).
    case geluQuick

    var kind: Int {
        switch self {
        case .identity: QK_IDENTITY
        case .relu: QK_RELU
        case .gelu: QK_GELU
        case .geluTanh: QK_GELU_TANH
        case .silu: QK_SILU
        case .sigmoid: QK_SIGMOID
        case .tanh: QK_TANH
        case .reluSquared: QK_RELU_SQUARED
        case .geluQuick: QK_GELU_QUICK
        }
    }
}

/// f(x), element by element.
public func activate(_ x: Tensor, _ function: Activation, _ tape: Tape? = nil) -> Tensor {
    let y = mapped(x, kind: function.kind)
    guard let tape, tape.needs(x) else { return y }
    let saved = tape.save(x)
    let recorded = tape.record(y) { dy, gradients in
        mapGradient(kind: function.kind, saved.value, dy, gradients.destination(for: x))
    }
    tape.offerRecipe(for: recorded) { mapped(saved.value, kind: function.kind) }
    return recorded
}

/// factor * x + offset.
public func scale(_ x: Tensor, by factor: Float, plus offset: Float = 0, _ tape: Tape? = nil) -> Tensor {
    let y = mapped(x, kind: QK_AFFINE, factor, offset)
    guard let tape, tape.needs(x) else { return y }
    let x = x.placeholder
    return tape.record(y) { dy, gradients in gradients.add(mapped(dy, kind: QK_AFFINE, factor, 0), to: x) }
}

/// x held between -limit and limit.
public func clip(_ x: Tensor, to limit: Float, _ tape: Tape? = nil) -> Tensor {
    let y = mapped(x, kind: QK_CLIP, limit)
    guard let tape, tape.needs(x) else { return y }
    let saved = tape.save(x)
    return tape.record(y) { dy, gradients in mapGradient(kind: QK_CLIP, saved.value, dy, gradients.destination(for: x), limit) }
}

/// a + b; b may be one row [1, cols] or [cols] for all rows.
public func add(_ a: Tensor, _ b: Tensor, _ tape: Tape? = nil) -> Tensor {
    let y = zipped(a, b, kind: QK_ADD)
    guard let tape, tape.needs(a) || tape.needs(b) else { return y }
    let (a, b) = (a.placeholder, b.placeholder)
    return tape.record(y) { dy, gradients in
        gradients.add(dy, to: a)
        if gradients.wants(b) { addBroadcast(dy, to: b, gradients) }
    }
}

/// a * b; b may be one row for all rows.
public func multiply(_ a: Tensor, _ b: Tensor, _ tape: Tape? = nil) -> Tensor {
    let y = zipped(a, b, kind: QK_MULTIPLY)
    guard let tape, tape.needs(a) || tape.needs(b) else { return y }
    let (savedA, savedB) = (tape.save(a), tape.save(b))
    let (a, b) = (a.placeholder, b.placeholder)
    return tape.record(y) { dy, gradients in
        if gradients.wants(a) { gradients.add(zipped(dy, savedB.value, kind: QK_MULTIPLY), to: a) }
        if gradients.wants(b) { addBroadcast(zipped(dy, savedA.value, kind: QK_MULTIPLY), to: b, gradients) }
    }
}

/// f(gate) * up, where x holds gate and up side by side: [rows, 2 * width] gives [rows, width].
public func gated(_ x: Tensor, _ function: Activation, _ tape: Tape? = nil) -> Tensor { gated(x, .function(function), tape) }

func mapped(_ x: Tensor, kind: Int, _ s0: Float = 0, _ s1: Float = 0) -> Tensor {
    let x = x.contiguous()
    let y = Tensor(uninitialized: x.shape)
    var call = KernelCall(QK_OP_MAP, kind: kind)
    call.p.0 = y.data
    call.p.1 = x.data
    call.n.0 = Int64(x.count)
    call.s.0 = s0
    call.s.1 = s1
    call.run()
    return y
}

func mapGradient(kind: Int, _ x: Tensor, _ dy: Tensor, _ destination: (gradient: Tensor, adds: Bool), _ s0: Float = 0) {
    var call = KernelCall(QK_OP_MAP_GRAD, kind: kind)
    call.p.0 = destination.gradient.data
    call.p.1 = x.data
    call.p.2 = dy.data
    call.n.0 = Int64(x.count)
    call.n.1 = destination.adds ? 1 : 0
    call.s.0 = s0
    call.run()
}

func zip(_ kind: Int, _ out: Tensor, _ a: Tensor, _ b: Tensor) {
    let columns = a.shape.columns
    precondition(b.count == a.count || b.count == columns || b.count == 1, "\(b.shape) does not broadcast over \(a.shape)")
    var call = KernelCall(QK_OP_ZIP, kind: kind)
    call.p.0 = out.data
    call.p.1 = a.data
    call.p.2 = b.data
    call.n.0 = Int64(a.shape.rows)
    call.n.1 = Int64(columns)
    call.n.2 = b.count == a.count ? Int64(columns) : 0
    call.n.3 = b.count == 1 && columns != 1 ? 0 : 1
    call.run()
}

func zipped(_ a: Tensor, _ b: Tensor, kind: Int) -> Tensor {
    let (a, b) = (a.contiguous(), b.contiguous())
    let y = Tensor(uninitialized: a.shape)
    zip(kind, y, a, b)
    return y
}

/// Adds a gradient of a's shape to b, summing over the rows where b was broadcast.
private func addBroadcast(_ dy: Tensor, to b: Tensor, _ gradients: Gradients) {
    guard b.count != dy.count else { return gradients.add(dy, to: b) }
    precondition(b.count == dy.shape.columns, "no gradient for a broadcast scalar")
    let (db, adds) = gradients.destination(for: b)
    sumRows(dy, into: db, adds: adds)
}

extension Tensor {
    /// Adds `other` (same shape, contiguous) to this tensor's own bytes.
    func addInPlace(_ other: Tensor) { zip(QK_ADD, self, self, other.contiguous()) }
}
