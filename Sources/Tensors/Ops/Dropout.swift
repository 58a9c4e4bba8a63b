import CQuintetKernels

/// Zeroes a share of the elements and scales the rest by 1 / (1 - share).
///
/// Which elements go depends on (seed, stream, element index) only, so the backward pass draws the same mask again.
public func dropout(_ x: Tensor, share: Float, seed: UInt64, stream: UInt64, _ tape: Tape? = nil) -> Tensor {
    guard share > 0 else { return x }
    let y = masked(x, share, seed, stream)
    guard let tape, tape.needs(x) else { return y }
    let x = x.placeholder
    return tape.record(y) { dy, gradients in gradients.add(masked(dy, share, seed, stream), to: x) }
}

func masked(_ x: Tensor, _ share: Float, _ seed: UInt64, _ stream: UInt64) -> Tensor {
    let x = x.contiguous()
    let y = Tensor(uninitialized: x.shape)
    var call = KernelCall(QK_OP_DROPOUT)
    call.p.0 = y.data
    call.p.1 = x.data
    call.n.0 = Int64(x.count)
    call.n.2 = Int64(bitPattern: seed)
    call.n.3 = Int64(bitPattern: stream)
    call.s.0 = share
    call.run()
    return y
}
