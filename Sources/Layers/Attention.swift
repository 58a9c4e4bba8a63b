public import QuintetTensors

/// Softmax attention with grouped heads: the one attention of every model.
public struct Attention: Sendable {
    let shape: AttentionShape
    let positions: AttentionPositions
    let qkv: Linear
    let out: Linear
    private let queryNorm: PartNorm?, keyNorm: PartNorm?
    private let clip: Float?
    /// Which layer this is: its pages in the cache.
    let layer: Int
    /// Share of the weights dropped in training.
    let dropout: Float

    public init(_ spec: AttentionSpec, width: Int, layer: Int, dropout: Float = 0, _ scope: ParameterScope) throws {
        let sinks = spec.sinks == .learned ? try scope.tensor("sinks", [spec.heads]) : nil
        let slopes = spec.positions.slopes(heads: spec.heads).map { Tensor($0, [spec.heads]) }
        shape = AttentionShape(
            heads: spec.heads, kvHeads: spec.kvHeads, headWidth: spec.headWidth, causal: spec.span.isCausal,
            window: spec.span.window, scale: spec.scale.value(headWidth: spec.headWidth, layer: layer),
            softcap: spec.softcap ?? 0, slopes: slopes,
            roundedSlopeFactor: spec.positions.roundedSlopeFactor, sinks: sinks)
        positions = spec.positions
        qkv = try Linear(scope["qkv"], outputs: spec.qkvWidth, inputs: width, bias: spec.biases.onInput)
        queryNorm = try PartNorm(spec, heads: spec.heads, after: 0, spec.queryKeyNormWidths.query, scope["queryNorm"])
        keyNorm = try PartNorm(spec, heads: spec.kvHeads, after: spec.heads, spec.queryKeyNormWidths.key, scope["keyNorm"])
        clip = spec.clip
        out = try Linear(scope["out"], outputs: width, inputs: spec.queryWidth, bias: spec.biases.onOutput)
        self.layer = layer
        self.dropout = dropout
    }

    /// x [rows, width] gives out(attention(x)) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let fused = turned(held(normalized(qkv(x, pass), pass.tape), pass.tape), pass)
        let mixed: Tensor
        if let view = pass.cache, case .pages(let pages) = view.cache.layers[layer] {
            mixed = attend(
                qkv: fused, pages: pages, positions: pass.positions, sequences: view.sequences, shape)
        } else {
            mixed = attend(
                qkv: fused, batch: pass.batch, documents: pass.documents, shape, keyMask: pass.keyMask, dropout: weightDropout(pass), pass.tape)
        }
        return out(mixed, pass, residual: residual)
    }

    private func weightDropout(_ pass: Pass) -> WeightDropout? {
        guard let seed = pass.dropoutSeed, dropout > 0 else { return nil }
        return WeightDropout(share: dropout, seed: seed, stream: Self.dropoutStreams + UInt64(layer))
    }

    /// Past the streams of dropout on the stack's own path.
    private static let dropoutStreams: UInt64 = 1 << 32

    /// q and k normalized where they lie; nobody else reads the fresh projection.
    private func normalized(_ fused: Tensor, _ tape: Tape?) -> Tensor {
        guard let queryNorm, let keyNorm else { return fused }
        return keyNorm(queryNorm(fused, tape), tape)
    }

    private func held(_ fused: Tensor, _ tape: Tape?) -> Tensor { clip.map { QuintetTensors.clip(fused, to: $0, tape) } ?? fused }

    /// Rotary positions on q and k, which lie side by side.
    private func turned(_ fused: Tensor, _ pass: Pass) -> Tensor {
        guard case .rotary(let rotary) = positions else { return fused }
        return rotateInPlace(
            fused, heads: shape.heads + shape.kvHeads, headWidth: shape.headWidth,
            table: PositionTables.shared.rotary(rotary, length: pass.length, known: pass.known), positions: pass.positions,
            pairing: rotary.pairing == .halves ? .halves : .interleaved, pass.tape)
    }
}

/// The norm of q's heads or of k's inside the fused projection.
private struct PartNorm: Sendable {
    private let parts: RowParts
    private let norm: NormLayer

    /// Nil where the spec has no such norm; `after` counts the heads that lie before these, `weights` the numbers the norm learns.
    init?(_ spec: AttentionSpec, heads: Int, after: Int, _ weights: Int, _ scope: ParameterScope) throws {
        guard let norm = spec.queryKeyNorm.norm else { return nil }
        let start = after * spec.headWidth
        if case .whole = spec.queryKeyNorm {
            parts = RowParts(start: start, count: 1, width: heads * spec.headWidth)
        } else {
            parts = RowParts(start: start, count: heads, width: spec.headWidth)
        }
        self.norm = try NormLayer(norm, width: weights, scope)
    }

    func callAsFunction(_ fused: Tensor, _ tape: Tape?) -> Tensor { norm.inPlace(fused, parts, tape) }
}
