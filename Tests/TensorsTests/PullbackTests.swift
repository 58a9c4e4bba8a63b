import QuintetTensors
import Testing

/// Every pullback against central differences, on awkward shapes.
@Suite struct PullbackTests {
    @Test(arguments: [(1, 1, 1), (3, 5, 7), (2, 17, 4)])
    func matrixProductWithBiasAndResidual(rows: Int, inputs: Int, outputs: Int) {
        checkGradients([
            random([rows, inputs], seed: 1), random([outputs, inputs], seed: 2), random([outputs], seed: 3),
            random([rows, outputs], seed: 4),
        ]) { x, tape in matmul(x[0], .dense(x[1]), Epilogue(bias: x[2], residual: x[3]), tape) }
    }

    @Test(arguments: [Activation.gelu, .geluTanh, .geluQuick, .silu, .sigmoid, .tanh])
    func matrixProductWithActivationAndGate(activation: Activation) {
        checkGradients([random([3, 5], seed: 1, deviation: 0.5), random([7, 5], seed: 2, deviation: 0.5), random([3, 7], seed: 3)]) {
            x, tape in matmul(x[0], .dense(x[1]), Epilogue(activation: activation, gate: x[2]), tape)
        }
        checkGradients([random([3, 5], seed: 1, deviation: 0.5), random([7, 5], seed: 2, deviation: 0.5)]) { x, tape in
            matmul(x[0], .dense(x[1]), Epilogue(activation: activation), tape)
        }
    }

    @Test func gateWithoutActivation() {
        checkGradients([random([2, 3], seed: 1), random([5, 3], seed: 2), random([2, 5], seed: 3)]) { x, tape in
            matmul(x[0], .dense(x[1]), Epilogue(gate: x[2]), tape)
        }
    }

    @Test(arguments: [Activation.gelu, .geluTanh, .geluQuick, .silu, .sigmoid, .tanh])
    func activations(activation: Activation) {
        checkGradients([random([3, 11])]) { x, tape in activate(x[0], activation, tape) }
        checkGradients([random([3, 22])]) { x, tape in gated(x[0], activation, tape) }
    }

    @Test(arguments: [1, 7, 33])
    func norms(width: Int) {
        // A layer norm of one element is constant; give it a generous epsilon so that differences stay smooth.
        let inputs = [random([3, width], seed: 1), random([width], seed: 2), random([width], seed: 3)]
        checkGradients(inputs, step: 0.02, tolerance: 1e-3) { x, tape in
            normalize(x[0], .layer(epsilon: 0.1), weight: x[1], bias: x[2], tape)
        }
        checkGradients(Array(inputs.prefix(2)), step: 0.02, tolerance: 1e-3) { x, tape in
            normalize(x[0], .rms(epsilon: 0.1, offset: 1), weight: x[1], tape)
        }
        checkGradients(Array(inputs.prefix(1)), step: 0.02, tolerance: 1e-3) { x, tape in
            normalize(x[0], .layer(epsilon: 0.1), tape)
        }
    }

    /// Heads of q and k normalized where they lie, beside v: shared weights, own weights, all heads as one vector.
    @Test(arguments: [Normalization.layer(epsilon: 0.1), .rms(epsilon: 0.1, offset: 0), .rms(epsilon: 0.1, offset: 1)])
    func normsInsideRows(norm: Normalization) {
        for (parts, weights) in [
            (RowParts(start: 2, count: 2, width: 3), 3), (RowParts(start: 1, count: 2, width: 3), 6), (RowParts(start: 0, count: 1, width: 5), 5),
            (RowParts(start: 0, count: 3, width: 4), 12),
        ] {
            let inputs = [random([3, 13], seed: 1), random([weights], seed: 2), random([weights], seed: 3)]
            checkGradients(inputs, step: 0.02, tolerance: 1e-3) { x, tape in
                normalizeInPlace(scale(x[0], by: 1, tape), parts, norm, weight: x[1], bias: x[2], tape)
            }
            checkGradients(Array(inputs.prefix(1)), step: 0.02, tolerance: 1e-3) { x, tape in
                normalizeInPlace(scale(x[0], by: 1, tape), parts, norm, tape)
            }
        }
    }

    @Test func normsInsideRowsHaveTheSameBitsWithATape() {
        let (x, weight) = (random([4, 13], seed: 1), random([6], seed: 2))
        let parts = RowParts(start: 4, count: 2, width: 3)
        func run(_ tape: Tape?) -> [Float] {
            normalizeInPlace(scale(tape?.input(x) ?? x, by: 1, tape), parts, .rms(epsilon: 1e-6, offset: 0), weight: weight, tape).floats
        }
        #expect(run(nil) == run(Tape()))
        #expect(Array(run(nil).prefix(4)) == Array(x.floats.prefix(4)))
    }

    @Test func clipping() {
        // No element near a limit, where the difference quotient sees both sides.
        checkGradients([Tensor([-3, -0.7, 0.2, 0.9, 1.6, 5], [2, 3])]) { x, tape in clip(x[0], to: 1.3, tape) }
        #expect(clip(Tensor([-3, 0.5, 2], [3]), to: 1).floats == [-1, 0.5, 1])
    }

    @Test func embeddingFromALaterRowOn() {
        let ids = Tensor([2, 0, 1, 0] as [Int32], [4])
        checkGradients([random([5, 3], seed: 1)]) { x, tape in embed(ids, x[0], scale: 0.5, offset: 2, tape) }
    }

    @Test func embeddingAndPositions() {
        let ids = Tensor([2, 0, 2, 4] as [Int32], [4])
        let positions = Tensor([0, 1, 2, 3] as [Int32], [4])
        checkGradients([random([5, 3], seed: 1), random([4, 3], seed: 2)]) { x, tape in
            embed(positions, x[1], onto: embed(ids, x[0], scale: 1.5, tape), tape)
        }
    }

    @Test(arguments: [RotaryPairing.halves, .interleaved])
    func rotaryPositions(pairing: RotaryPairing) {
        let table = random([8, 4], seed: 5)
        let positions = Tensor([0, 3, 7] as [Int32], [3])
        checkGradients([random([3, 2 * 6 + 5])]) { x, tape in
            let copy = scale(x[0], by: 1, tape)
            return rotateInPlace(copy, heads: 2, headWidth: 6, table: table, positions: positions, pairing: pairing, tape)
        }
    }

    @Test(arguments: [true, false])
    func attention(causal: Bool) {
        for (heads, kvHeads, width, time) in [(1, 1, 1, 1), (2, 1, 5, 7), (4, 2, 8, 3)] {
            let shape = AttentionShape(heads: heads, kvHeads: kvHeads, headWidth: width, causal: causal, scale: 0.4)
            checkGradients([random([2 * time, shape.fusedWidth])], step: 0.03, tolerance: 1e-3) { x, tape in
                attend(qkv: x[0], batch: 2, shape, tape)
            }
        }
    }

    @Test func attentionWithDropout() {
        let shape = AttentionShape(heads: 2, kvHeads: 1, headWidth: 3, scale: 0.5)
        let dropout = WeightDropout(share: 0.4, seed: 3, stream: 9)
        checkGradients([random([10, shape.fusedWidth])], step: 0.03, tolerance: 1e-3) { x, tape in
            attend(qkv: x[0], batch: 2, shape, dropout: dropout, tape)
        }
    }

    @Test func attentionWithWindowCapSlopesAndPadding() {
        var shape = AttentionShape(heads: 2, kvHeads: 2, headWidth: 3, window: 3, scale: 0.5, softcap: 2)
        shape.slopes = Tensor([0.5, 0.25], [2])
        checkGradients([random([9, shape.fusedWidth])], step: 0.03, tolerance: 1e-3) { x, tape in
            attend(qkv: x[0], batch: 1, shape, tape)
        }
        let mask = Tensor(uninitialized: [2, 4], dtype: .u8)
        for (index, value) in [1, 1, 1, 0, 1, 1, 0, 0].enumerated() {
            mask.data.storeBytes(of: UInt8(value), toByteOffset: index, as: UInt8.self)
        }
        let plain = AttentionShape(heads: 2, kvHeads: 1, headWidth: 4, causal: false, scale: 0.5)
        checkGradients([random([8, plain.fusedWidth])], step: 0.03, tolerance: 1e-3) { x, tape in
            attend(qkv: x[0], batch: 2, plain, keyMask: mask, tape)
        }
    }

    /// The sinks' own gradient too, and that of rows that see them; grouped heads, a window, padding, dropout.
    @Test func attentionWithSinks() {
        var shape = AttentionShape(heads: 4, kvHeads: 2, headWidth: 3, window: 3, scale: 0.5)
        let sinks = Tensor([0.5, -1, 2, 0], [4])
        checkGradients([random([10, shape.fusedWidth]), sinks], step: 0.03, tolerance: 1e-3) { x, tape in
            shape.sinks = x[1]
            return attend(qkv: x[0], batch: 2, shape, tape)
        }
        checkGradients([random([10, shape.fusedWidth]), sinks], step: 0.03, tolerance: 1e-3) { x, tape in
            shape.sinks = x[1]
            return attend(qkv: x[0], batch: 1, documents: [3, 1, 6], shape, tape)
        }
        let mask = Tensor(uninitialized: [2, 5], dtype: .u8)
        for index in 0..<10 { mask.data.storeBytes(of: UInt8(index % 5 < 3 ? 1 : 0), toByteOffset: index, as: UInt8.self) }
        checkGradients([random([10, shape.fusedWidth]), sinks], step: 0.03, tolerance: 1e-3) { x, tape in
            shape.sinks = x[1]
            return attend(qkv: x[0], batch: 2, shape, keyMask: mask, dropout: WeightDropout(share: 0.3, seed: 2, stream: 5), tape)
        }
    }

    @Test func elementwiseAndBroadcast() {
        let (a, b, row) = (random([3, 4], seed: 1), random([3, 4], seed: 2), random([4], seed: 3))
        checkGradients([a, b]) { x, tape in add(x[0], x[1], tape) }
        checkGradients([a, b]) { x, tape in multiply(x[0], x[1], tape) }
        checkGradients([a, row]) { x, tape in add(multiply(x[0], x[1], tape), x[1], tape) }
        checkGradients([a]) { x, tape in scale(x[0], by: -2.5, plus: 1, tape) }
    }

    @Test(arguments: [Reduction.sum, .mean, .maximum, .sumOfSquares])
    func reductions(reduction: Reduction) {
        checkGradients([Tensor([1, 5, 2, -3, 0, 4, 9, -2, 7, 3], [2, 5])]) { x, tape in reduce(x[0], reduction, tape) }
    }

    @Test func softmaxRows() {
        checkGradients([random([3, 7])]) { x, tape in softmax(x[0], scale: 0.7, tape) }
    }

    @Test func copies() {
        let x = random([3, 4, 2])
        checkGradients([x]) { x, tape in slice(x[0], axis: 1, 1..<3, tape) }
        checkGradients([x]) { x, tape in permute(x[0], [2, 0, 1], tape) }
        checkGradients([random([2, 3], seed: 1), random([2, 2], seed: 2)]) { x, tape in concatenate(x, axis: 1, tape) }
    }

    @Test func dropoutDrawsTheSameMaskAgain() {
        checkGradients([random([5, 13])]) { x, tape in dropout(x[0], share: 0.4, seed: 7, stream: 3, tape) }
    }

    @Test func recomputedBlockEqualsPlainBlock() {
        let inputs = [random([3, 4], seed: 1)]
        let weights = random([4, 4], seed: 2)
        func body(_ x: Tensor, _ tape: Tape?) -> Tensor { matmul(x, .dense(weights), Epilogue(activation: .gelu), tape) }
        checkGradients(inputs) { x, tape in
            guard let tape else { return body(x[0], nil) }
            return recomputed(x[0], tape, body)
        }
    }
}
