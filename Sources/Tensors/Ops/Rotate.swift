import CQuintetKernels

/// Which elements of a head turn together: i with i + width / 2, or 2i with 2i + 1.
public enum RotaryPairing: Sendable, Equatable {
    case halves, interleaved

    var kind: Int { self == .halves ? 0 : 1 }
}

/// Rotary position embedding of the first `heads` heads of every row, written over `x`, whose bytes nobody else may read.
///
/// In each head the elements from `from` on turn, as many as the table is wide. `x` [rows, at least heads * headWidth]; `table` [positions, rotary width] with cosines, then sines; `positions` i32 [rows].
/// Source: Su et al. 2021.
public func rotateInPlace(
    _ x: Tensor, heads: Int, headWidth: Int, from: Int = 0, table: Tensor, positions: Tensor, pairing: RotaryPairing, _ tape: Tape? = nil
) -> Tensor {
    turn(x, heads, headWidth, from, table, positions, pairing, sign: 1)
    guard let tape, tape.needs(x) else { return x }
    return tape.record(x.detached) { dy, gradients in
        dy.makeUnique()
        turn(dy, heads, headWidth, from, table, positions, pairing, sign: -1)
        gradients.add(dy, to: x)
    }
}

private func turn(
    _ x: Tensor, _ heads: Int, _ headWidth: Int, _ from: Int, _ table: Tensor, _ positions: Tensor, _ pairing: RotaryPairing, sign: Float
) {
    var call = KernelCall(QK_OP_ROPE, kind: pairing.kind)
    call.p.0 = x.data + from * 4
    call.p.1 = x.data + from * 4
    call.p.2 = table.data
    call.p.3 = positions.data
    call.n.0 = Int64(x.shape.rows)
    call.n.1 = Int64(heads)
    call.n.2 = Int64(headWidth)
    call.n.3 = Int64(table.shape.columns)
    call.n.4 = Int64(x.rowStride)
    call.n.5 = Int64(x.rowStride)
    call.s.0 = sign
    call.run()
}
