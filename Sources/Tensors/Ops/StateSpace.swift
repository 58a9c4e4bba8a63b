import CQuintetKernels

/// What a state space layer remembers of each sequence, in place of pages of keys and values.
public struct StateSlab: Sendable {
    /// f32 [sequences, taps - 1, width]: the last inputs of the convolution.
    public let inputs: Tensor
    /// f32 [sequences, states, width].
    public let states: Tensor

    public init(inputs: Tensor, states: Tensor) {
        self.inputs = inputs
        self.states = states
    }

    /// Bytes of one sequence.
    public var bytesPerSequence: Int { (inputs.count + states.count) / max(inputs.shape[0], 1) * 4 }
}

/// Where rows belong: whole sequences of `time` rows from position 0, or rows of sequences whose past lies in a slab.
public enum StatePast: Sendable {
    case none(time: Int)
    /// `positions` and `sequences` i32 [rows]; the rows of a sequence lie together and in order. Position 0 begins a sequence anew.
    case slab(StateSlab, positions: Tensor, sequences: Tensor)
}

/// Causal convolution of every column with its own taps: x [rows, width], weight [taps, width], bias [width] give [rows, width].
///
/// The last tap multiplies the row itself. With a slab the past comes from it and it moves on; bits do not depend on how rows are cut.
public func convolve(_ x: Tensor, weight: Tensor, bias: Tensor? = nil, _ past: StatePast, _ tape: Tape? = nil) -> Tensor {
    let (rows, width) = (x.shape.rows, x.shape.columns)
    let y = Tensor(uninitialized: [rows, width])
    var call = KernelCall(QK_OP_CONVOLVE)
    call.p.0 = y.data
    call.p.1 = x.data
    call.p.2 = weight.data
    call.p.3 = bias?.data
    call.n.3 = Int64(x.rowStride)
    setShape(&call, rows, width, weight.shape[0])
    switch past {
    case .none(let time): call.n.5 = Int64(time)
    case .slab(let slab, let positions, let sequences):
        (call.p.4, call.p.5, call.p.6) = (slab.inputs.data, positions.data, sequences.data)
    }
    call.run()
    guard let tape, case .none(let time) = past, [x, weight, bias].compactMap({ $0 }).contains(where: tape.needs) else { return y }
    let saved = tape.save(x)
    return tape.record(y) { dy, gradients in
        let (x0, dx) = (saved.value, Tensor(uninitialized: [rows, width]))
        let dweight = gradients.destination(for: weight), dbias = bias.map { gradients.destination(for: $0) }
        var call = KernelCall(QK_OP_CONVOLVE_GRAD)
        (call.p.0, call.p.1, call.p.2) = (dx.data, dweight.gradient.data, dbias?.gradient.data)
        (call.p.3, call.p.4, call.p.5) = (x0.data, weight.data, dy.data)
        call.n.3 = Int64(x0.rowStride)
        setShape(&call, rows, width, weight.shape[0])
        (call.n.5, call.n.6, call.n.7) = (Int64(time), dweight.adds ? 1 : 0, dbias?.adds == true ? 1 : 0)
        call.run()
        gradients.add(dx, to: x)
    }
}

/// The selective state space: a state of `states` numbers per column that each row decays, feeds and reads.
///
/// d = softplus(delta); h[n] = exp(-d exp(decay[n])) h[n] + d B[n] x; y = sum of C[n] h[n] + skip x. `x` and `delta` [rows, width];
/// `inputsAndOutputs` [rows, 2 * states]: B, then C; `decay` [states, width]; `skip` [width]. Source: Gu & Dao 2023 (Mamba).
public func scan(
    _ x: Tensor, delta: Tensor, decay: Tensor, inputsAndOutputs: Tensor, skip: Tensor, _ past: StatePast, _ tape: Tape? = nil
) -> Tensor {
    let (x, delta) = (x.contiguous(), delta.contiguous())
    let (rows, width, states) = (x.shape.rows, x.shape.columns, decay.shape[0])
    let y = Tensor(uninitialized: [rows, width])
    var call = KernelCall(QK_OP_SCAN)
    (call.p.0, call.p.1, call.p.2, call.p.3) = (y.data, x.data, delta.data, decay.data)
    (call.p.4, call.p.5) = (inputsAndOutputs.data, skip.data)
    call.n.3 = Int64(inputsAndOutputs.rowStride)
    setShape(&call, rows, width, states)
    switch past {
    case .none(let time): call.n.5 = Int64(time)
    case .slab(let slab, let positions, let sequences):
        (call.p.6, call.p.7, call.p.8) = (slab.states.data, positions.data, sequences.data)
    }
    call.run()
    guard let tape, case .none(let time) = past, [x, delta, decay, inputsAndOutputs, skip].contains(where: tape.needs) else { return y }
    return tape.record(y) { dy, gradients in
        let dx = Tensor(uninitialized: [rows, width]), ddelta = Tensor(uninitialized: [rows, width])
        let dbc = Tensor(uninitialized: [rows, 2 * states])
        let ddecay = gradients.destination(for: decay), dskip = gradients.destination(for: skip)
        let workspace = Tensor(uninitialized: [(width + 63) / 64, rows, 2 * states])
        var call = KernelCall(QK_OP_SCAN_GRAD)
        (call.p.0, call.p.1, call.p.2, call.p.3) = (dx.data, ddelta.data, ddecay.gradient.data, dbc.data)
        (call.p.4, call.p.5, call.p.6, call.p.7) = (dskip.gradient.data, x.data, delta.data, decay.data)
        (call.p.8, call.p.9, call.p.10, call.p.11) = (inputsAndOutputs.data, skip.data, dy.data, workspace.data)
        call.n.3 = Int64(inputsAndOutputs.rowStride)
        setShape(&call, rows, width, states)
        (call.n.5, call.n.6, call.n.7) = (Int64(time), ddecay.adds ? 1 : 0, dskip.adds ? 1 : 0)
        call.run()
        gradients.add(dx, to: x)
        gradients.add(ddelta, to: delta)
        gradients.add(dbc, to: inputsAndOutputs)
    }
}

/// Rows of x whose entry of `mask` u8 [rows] is 0 become zeros.
public func maskRows(_ x: Tensor, _ mask: Tensor, _ tape: Tape? = nil) -> Tensor {
    let factors = Tensor((0..<mask.count).map { mask.data.load(fromByteOffset: $0, as: UInt8.self) == 0 ? 0 : 1 }, [mask.count])
    func masked(_ x: Tensor) -> Tensor {
        let x = x.contiguous()
        let y = Tensor(uninitialized: x.shape)
        var call = KernelCall(QK_OP_ZIP, kind: QK_MULTIPLY)
        (call.p.0, call.p.1, call.p.2) = (y.data, x.data, factors.data)
        call.n.0 = Int64(x.shape.rows)
        call.n.1 = Int64(x.shape.columns)
        call.n.2 = 1
        call.run()
        return y
    }
    let y = masked(x)
    guard let tape, tape.needs(x) else { return y }
    return tape.record(y) { dy, gradients in gradients.add(masked(dy), to: x) }
}

private func setShape(_ call: inout KernelCall, _ rows: Int, _ width: Int, _ depth: Int) {
    call.n.0 = Int64(rows)
    call.n.1 = Int64(width)
    call.n.2 = Int64(depth)
}
