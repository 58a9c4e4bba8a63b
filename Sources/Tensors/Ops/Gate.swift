import CQuintetKernels

/// How a gate and what it lets through become one.
public enum Gate: Sendable, Equatable {
    /// f(gate) * up.
    case function(Activation)
    /// g * sigmoid(alpha * g) * (u + 1), with g the gate held below `limit` and u the up held between -limit and limit (gpt-oss).
    case clamped(alpha: Float, limit: Float)

    fileprivate func call(_ op: Int) -> KernelCall {
        switch self {
        case .function(let function): return KernelCall(op, kind: function.kind)
        case .clamped(let alpha, let limit):
            var call = KernelCall(op, kind: QK_CLAMPED_SWIGLU)
            (call.s.0, call.s.1) = (alpha, limit)
            return call
        }
    }
}

/// The gate's function of x, which holds gate and up side by side: [rows, 2 * width] gives [rows, width].
public func gated(_ x: Tensor, _ gate: Gate, _ tape: Tape? = nil) -> Tensor {
    let width = x.shape.columns / 2
    let y = forward(x, x.data + width * 4, upStride: x.rowStride, width, gate)
    guard let tape, tape.needs(x) else { return y }
    let saved = tape.save(x)
    let recorded = tape.record(y) { dy, gradients in
        let kept = saved.value.contiguous()
        let dx = Tensor(uninitialized: kept.shape)
        backward((dx.data, dx.data + width * 4), (kept.data, kept.data + width * 4), (2 * width, 2 * width), dy, gate)
        gradients.add(dx, to: x)
    }
    tape.offerRecipe(for: recorded) {
        let x = saved.value
        return forward(x, x.data + width * 4, upStride: x.rowStride, width, gate)
    }
    return recorded
}

/// f(x G^T) * (x U^T), with the rows of G and U one after the other in `weight`: one call where the weights are in block formats and f is plain.
public func gatedProduct(
    _ x: Tensor, _ weight: Weight, bias: Tensor? = nil, _ gate: Gate, adapting: Adapting = Adapting(), _ tape: Tape? = nil
) -> Tensor {
    guard tape == nil, bias == nil, case .function(let function) = gate, case .quantized = weight, weight.outputs % (2 * Panels.rows) == 0 else {
        return gated(matmul(x, weight, Epilogue(bias: bias), adapting: adapting, tape), gate, tape)
    }
    return product(x, weight, gatedBy: function)
}

/// The same of a gate [rows, width] and an up [rows, width] that lie apart; rows may have any stride.
public func gated(gate x: Tensor, up: Tensor, _ gate: Gate, _ tape: Tape? = nil) -> Tensor {
    let y = forward(x, up.data, upStride: up.rowStride, x.shape.columns, gate)
    guard let tape, tape.needs(x) || tape.needs(up) else { return y }
    return tape.record(y) { dy, gradients in
        let (low, high) = (x.contiguous(), up.contiguous())
        let (dx, dup) = (Tensor(uninitialized: x.shape), Tensor(uninitialized: up.shape))
        backward((dx.data, dup.data), (low.data, high.data), (x.shape.columns, x.shape.columns), dy, gate)
        gradients.add(dx, to: x)
        gradients.add(dup, to: up)
    }
}

private func forward(_ x: Tensor, _ up: UnsafeMutableRawPointer, upStride: Int, _ width: Int, _ gate: Gate) -> Tensor {
    let y = Tensor(uninitialized: [x.shape.rows, width])
    var call = gate.call(QK_OP_GATE)
    (call.p.0, call.p.1, call.p.2) = (y.data, x.data, up)
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(width)
    call.n.2 = Int64(x.rowStride)
    call.n.3 = Int64(upStride)
    call.n.4 = Int64(width)
    call.run()
    return y
}

private func backward(
    _ gradients: (UnsafeMutableRawPointer, UnsafeMutableRawPointer), _ values: (UnsafeMutableRawPointer, UnsafeMutableRawPointer),
    _ strides: (Int, Int), _ dy: Tensor, _ gate: Gate
) {
    var call = gate.call(QK_OP_GATE_GRAD)
    (call.p.0, call.p.1, call.p.2, call.p.3, call.p.4) = (gradients.0, gradients.1, values.0, values.1, dy.data)
    call.n.0 = Int64(dy.shape.rows)
    call.n.1 = Int64(dy.shape.columns)
    call.n.2 = Int64(strides.0)
    call.n.3 = Int64(strides.1)
    call.n.4 = Int64(dy.shape.columns)
    call.run()
}
