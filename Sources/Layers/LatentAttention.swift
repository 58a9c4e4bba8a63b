public import QuintetTensors

/// Attention over latents: each head's query is brought into the space of the latents, so that the latents themselves are keys and values.
///
/// `q . (W_k c) = (W_k^T q) . c`, and the sum of `p W_v c` is `W_v` times the sum of `p c`: keys and values of heads are never made, and
/// the cache holds one vector a position. Whole sequences and the cache take the same way, so their bits agree.
public struct LatentAttention: Sendable {
    private enum Query: Sendable {
        case direct(Linear)
        case latent(down: Linear, norm: NormLayer, up: Linear)
    }
    private let query: Query
    private let keyValueDown: Linear
    private let keyValueNorm: NormLayer
    private let keys: GroupedWeight, values: GroupedWeight
    private let out: Linear
    private let shape: AttentionShape
    private let spec: LatentAttentionSpec
    private let layer: Int

    public init(_ spec: LatentAttentionSpec, width: Int, layer: Int, _ scope: ParameterScope) throws {
        let queryWidth = spec.heads * spec.headWidth
        switch spec.query {
        case .direct: query = .direct(try Linear(scope["query"], outputs: queryWidth, inputs: width, bias: false))
        case .latent(let rank):
            query = .latent(
                down: try Linear(scope["queryDown"], outputs: rank, inputs: width, bias: spec.biases.onInput),
                norm: try NormLayer(spec.norm, width: rank, scope["queryNorm"]),
                up: try Linear(scope["queryUp"], outputs: queryWidth, inputs: rank, bias: false))
        }
        keyValueDown = try Linear(scope["keyValueDown"], outputs: spec.cachedWidth, inputs: width, bias: spec.biases.onInput)
        keyValueNorm = try NormLayer(spec.norm, width: spec.latentWidth, scope["keyValueNorm"])
        let step = spec.plainWidth + spec.valueWidth
        keys = try scope["keyValueUp"].grouped(
            "weight", GroupLayout(groups: spec.heads, height: spec.plainWidth, step: step, orientation: .turned), of: spec.heads * step,
            inputs: spec.latentWidth)
        values = try scope["keyValueUp"].grouped(
            "weight", GroupLayout(groups: spec.heads, height: spec.valueWidth, first: spec.plainWidth, step: step), of: spec.heads * step,
            inputs: spec.latentWidth)
        out = try Linear(scope["out"], outputs: width, inputs: spec.heads * spec.valueWidth, bias: spec.biases.onOutput)
        shape = AttentionShape(heads: spec.heads, kvHeads: 1, headWidth: spec.cachedWidth, scale: spec.scale)
        self.spec = spec
        self.layer = layer
    }

    /// x [rows, width] gives out(attention(x)) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let q = turned(latentQueries(x, pass), heads: spec.heads, pass)
        let latents = keyValueNorm.inPlace(
            keyValueDown(x, pass), RowParts(start: 0, count: 1, width: spec.latentWidth), pass.tape)
        let k = turned(latents, heads: 1, pass)
        let mixed: Tensor
        if let view = pass.cache, case .pages(let pages) = view.cache.layers[layer] {
            mixed = attend(q: q, keysAndValues: k, pages: pages, positions: pass.positions, sequences: view.sequences, shape)
        } else {
            mixed = attend(q: q, keysAndValues: k, batch: pass.batch, shape, keyMask: pass.keyMask, pass.tape)
        }
        let heads = groupProduct(
            mixed, values, from: latentColumns, to: GroupColumns(step: spec.valueWidth, width: spec.heads * spec.valueWidth), pass.tape)
        return out(heads, pass, residual: residual)
    }

    /// The columns of a row of latent heads, the rotary part last in each.
    private var latentColumns: GroupColumns { GroupColumns(step: spec.cachedWidth, width: spec.heads * spec.cachedWidth) }

    /// [rows, heads * cachedWidth]: each head's plain part in the space of the latents, then its rotary part as it is.
    private func latentQueries(_ x: Tensor, _ pass: Pass) -> Tensor {
        let q =
            switch query {
            case .direct(let linear): linear(x, pass)
            case .latent(let down, let norm, let up): up(norm(down(x, pass), pass.tape), pass)
            }
        return groupProduct(
            q, keys, from: GroupColumns(step: spec.headWidth, width: spec.heads * spec.headWidth), to: latentColumns,
            kept: KeptColumns(from: spec.plainWidth, to: spec.latentWidth, width: spec.rotaryWidth), pass.tape)
    }

    private func turned(_ x: Tensor, heads: Int, _ pass: Pass) -> Tensor {
        rotateInPlace(
            x, heads: heads, headWidth: spec.cachedWidth, from: spec.latentWidth,
            table: PositionTables.shared.rotary(spec.rotary, length: pass.length, known: pass.known), positions: pass.positions,
            pairing: spec.rotary.pairing == .halves ? .halves : .interleaved, pass.tape)
    }
}
