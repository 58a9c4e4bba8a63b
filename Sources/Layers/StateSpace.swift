public import QuintetTensors

/// A selective state space: convolution over the last few positions, then a scan whose steps the input chooses, gated at the end.
public struct StateSpace: Sendable {
    private let spec: StateSpaceSpec
    private let `in`: Linear, select: Linear, step: Linear, out: Linear
    private let taps: Tensor, tapsBias: Tensor?
    private let decay: Tensor, skip: Tensor
    private let layer: Int

    public init(_ spec: StateSpaceSpec, width: Int, layer: Int, _ scope: ParameterScope) throws {
        self.spec = spec
        self.layer = layer
        `in` = try Linear(scope["in"], outputs: 2 * spec.inner, inputs: width, bias: spec.biases.onInput)
        taps = try scope["convolution"].vectors("weight", [spec.taps, spec.inner])
        tapsBias = spec.convolutionBias == .learned ? try scope["convolution"].tensor("bias", [spec.inner]) : nil
        select = try Linear(scope["select"], outputs: spec.stepRank + 2 * spec.states, inputs: spec.inner, bias: false)
        step = try Linear(scope["step"], outputs: spec.inner, inputs: spec.stepRank, bias: true)
        decay = try scope.vectors("decay", [spec.states, spec.inner])
        skip = try scope.tensor("skip", [spec.inner])
        out = try Linear(scope["out"], outputs: width, inputs: spec.inner, bias: spec.biases.onOutput)
    }

    /// x [rows, width] gives out(scan(x)) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let past = past(x, pass)
        let both = `in`(shown(x, pass), pass)
        let convolved = convolve(columns(both, 0..<spec.inner, pass.tape), weight: taps, bias: tapsBias, past, pass.tape)
        let u = shown(activate(convolved, spec.activation, pass.tape), pass)
        let selected = select(u, pass)
        let delta = step(columns(selected, 0..<spec.stepRank, pass.tape), pass)
        let reads = columns(selected, spec.stepRank..<spec.stepRank + 2 * spec.states, pass.tape)
        let scanned = scan(u, delta: delta, decay: decay, inputsAndOutputs: reads, skip: skip, past, pass.tape)
        let gate = columns(both, spec.inner..<2 * spec.inner, pass.tape)
        return out(gated(gate: gate, up: scanned, .function(.silu), pass.tape), pass, residual: residual)
    }

    private func past(_ x: Tensor, _ pass: Pass) -> StatePast {
        guard let view = pass.cache, case .states(let slab) = view.cache.layers[layer] else {
            return .none(time: x.shape.rows / max(pass.batch, 1))
        }
        return .slab(slab, positions: pass.positions, sequences: view.sequences)
    }

    /// Rows that are padding count as zeros: they would go on in the state.
    private func shown(_ x: Tensor, _ pass: Pass) -> Tensor { pass.keyMask.map { maskRows(x, $0, pass.tape) } ?? x }
}
