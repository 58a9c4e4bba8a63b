public import QuintetTensors

/// Softmax attention with grouped heads: the one attention of every model.
public struct Attention: Sendable {
    let shape: AttentionShape
    let positions: AttentionPositions
    let qkv: Linear
    let out: Linear
    /// Which layer this is: its pages in the cache.
    let layer: Int
    /// Share of the weights dropped in training.
    let dropout: Float

    public init(_ spec: AttentionSpec, width: Int, layer: Int, dropout: Float = 0, _ scope: ParameterScope) throws {
        let sinks = spec.sinks == .learned ? try scope.tensor("sinks", [spec.heads]) : nil
        let slopes = spec.positions.slopes(heads: spec.heads).map { Tensor($0, [spec.heads]) }
        shape = AttentionShape(
            heads: spec.heads, kvHeads: spec.kvHeads, headWidth: spec.headWidth, causal: spec.span != .bidirectional,
            window: spec.span.window, scale: spec.scale.value(headWidth: spec.headWidth, layer: layer),
            softcap: spec.softcap ?? 0, slopes: slopes, sinks: sinks)
        positions = spec.positions
        qkv = try Linear(scope["qkv"], outputs: spec.qkvWidth, inputs: width, bias: spec.biases.onInput)
        out = try Linear(scope["out"], outputs: width, inputs: spec.queryWidth, bias: spec.biases.onOutput)
        self.layer = layer
        self.dropout = dropout
    }

    /// x [rows, width] gives out(attention(x)) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let fused = turned(qkv(x, tape: pass.tape), pass)
        let mixed: Tensor
        if let view = pass.cache {
            mixed = attend(
                qkv: fused, pages: view.cache.layers[layer], positions: pass.positions, sequences: view.sequences, shape)
        } else {
            mixed = attend(qkv: fused, batch: pass.batch, shape, keyMask: pass.keyMask, dropout: weightDropout(pass), pass.tape)
        }
        return out(mixed, residual: residual, tape: pass.tape)
    }

    private func weightDropout(_ pass: Pass) -> WeightDropout? {
        guard let seed = pass.dropoutSeed, dropout > 0 else { return nil }
        return WeightDropout(share: dropout, seed: seed, stream: Self.dropoutStreams + UInt64(layer))
    }

    /// Past the streams of dropout on the stack's own path.
    private static let dropoutStreams: UInt64 = 1 << 32

    /// Rotary positions on q and k, which lie side by side; nobody else reads the fresh projection.
    private func turned(_ fused: Tensor, _ pass: Pass) -> Tensor {
        guard case .rotary(let rotary) = positions else { return fused }
        return rotateInPlace(
            fused, heads: shape.heads + shape.kvHeads, headWidth: shape.headWidth,
            table: RotaryTables.shared.table(rotary, length: pass.length, known: pass.known), positions: pass.positions,
            pairing: rotary.pairing == .halves ? .halves : .interleaved, pass.tape)
    }
}
