import CQuintetKernels

/// scale * table[ids + offset], one row per id: ids i32 [rows], table [count, width] give [rows, width]; `onto` is added.
public func embed(
    _ ids: Tensor, _ table: Tensor, scale: Float = 1, offset: Int = 0, onto: Tensor? = nil, _ tape: Tape? = nil
) -> Tensor {
    let width = table.shape[1]
    let y = onto.map { $0.copied() } ?? Tensor(uninitialized: [ids.count, width])
    var call = KernelCall(QK_OP_EMBED)
    call.p.0 = y.data
    call.p.1 = table.data
    call.p.2 = ids.data
    call.n.0 = Int64(ids.count)
    call.n.1 = Int64(width)
    call.n.2 = Int64(table.shape[0])
    call.n.3 = table.dtype.rawValue
    call.n.4 = onto == nil ? 0 : 1
    call.n.5 = Int64(offset)
    call.s.0 = scale
    call.run()
    guard let tape, tape.needs(table) || onto.map(tape.needs) == true else { return y.detached }
    return tape.record(y.detached) { dy, gradients in
        if gradients.wants(table) {
            let (dtable, adds) = gradients.destination(for: table)
            if !adds { dtable.fill(0) }
            embeddingGradient(dtable, dy, ids, scale, offset)
        }
        if let onto { gradients.add(dy, to: onto) }
    }
}

private func embeddingGradient(_ dtable: Tensor, _ dy: Tensor, _ ids: Tensor, _ scale: Float, _ offset: Int) {
    var call = KernelCall(QK_OP_EMBED_GRAD)
    call.p.0 = dtable.data
    call.p.1 = dy.data
    call.p.2 = ids.data
    call.n.0 = Int64(ids.count)
    call.n.1 = Int64(dtable.shape[1])
    call.n.2 = Int64(dtable.shape[0])
    call.n.5 = Int64(offset)
    call.s.0 = scale
    call.run()
}
