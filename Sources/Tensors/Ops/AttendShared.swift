import CQuintetKernels

/// Attention of all heads over one vector per position that is key and value at once, over whole sequences.
///
/// `q` [batch * time, heads * headWidth] and `k` [batch * time, headWidth] give [batch * time, heads * headWidth]; `shape.kvHeads` is 1.
public func attend(q: Tensor, keysAndValues k: Tensor, batch: Int, _ shape: AttentionShape, keyMask: Tensor? = nil, _ tape: Tape? = nil) -> Tensor {
    precondition(shape.kvHeads == 1 && q.shape.columns == shape.queryWidth && k.shape.columns == shape.headWidth)
    let time = q.shape.rows / max(batch, 1)
    let out = Tensor(uninitialized: [q.shape.rows, shape.queryWidth])
    let tracked = tape.map { $0.needs(q) || $0.needs(k) } ?? false
    let lse = tracked ? Tensor(uninitialized: [batch, shape.heads, time]) : nil
    var call = KernelCall(QK_OP_ATTENTION, kind: shape.causal ? 0 : 1)
    (call.p.0, call.p.1, call.p.2, call.p.3) = (out.data, q.data, k.data, k.data)
    (call.p.4, call.p.5, call.p.6, call.p.7) = (lse?.data, keyMask?.data, shape.slopes?.data, shape.sinks?.data)
    setDimensions(&call, batch, time, shape, q, k)
    call.run()
    guard let tape, tracked, let lse else { return out }
    return tape.record(out) { dy, gradients in
        let dq = Tensor(uninitialized: q.shape), dk = Tensor(uninitialized: k.shape), dv = Tensor(uninitialized: k.shape)
        var call = KernelCall(QK_OP_ATTENTION_GRAD, kind: shape.causal ? 0 : 1)
        (call.p.0, call.p.1, call.p.2) = (dq.data, dk.data, dv.data)
        (call.p.3, call.p.4, call.p.5, call.p.6, call.p.7) = (q.data, k.data, k.data, out.data, dy.data)
        (call.p.8, call.p.9, call.p.10) = (lse.data, keyMask?.data, shape.slopes?.data)
        setDimensions(&call, batch, time, shape, q, k)
        call.run()
        gradients.add(dq, to: q)
        gradients.add(dk, to: k)
        gradients.add(dv, to: k)
        addSinkGradient(shape.sinks, out: out, dy: dy, lse: lse, SequenceRun.all(rows: q.shape.rows, batch: batch, documents: nil), gradients)
    }
}

/// The same through the cache: the rows' vectors are written to it, then each row attends to everything up to its position.
public func attend(
    q: Tensor, keysAndValues k: Tensor, pages: CachePages, positions: Tensor, sequences: Tensor, _ shape: AttentionShape
) -> Tensor {
    attend(
        AttentionParts(q: q.data, k: k.data, v: k.data, rows: q.shape.rows, qStride: q.rowStride, kvStride: k.rowStride), pages, positions,
        sequences, shape)
}

private func setDimensions(_ call: inout KernelCall, _ batch: Int, _ time: Int, _ shape: AttentionShape, _ q: Tensor, _ k: Tensor) {
    call.n.0 = Int64(batch)
    call.n.1 = Int64(time)
    call.n.2 = Int64(time)
    setHeads(&call, shape)
    call.n.6 = Int64(q.rowStride)
    call.n.7 = Int64(k.rowStride)
    call.n.8 = Int64(k.rowStride)
}
