public import QuintetTensors

/// One layer of the stack: attention and feed-forward, joined to the stream as the spec says.
public struct Block: Sendable {
    private let attention: Attention
    private let feedForward: FeedForwardLayer
    private let norm1: NormLayer
    private let norm2: NormLayer?
    private let residual: Residual
    private let dropout: Float
    private let layer: Int

    public init(_ spec: BlockSpec, width: Int, layer: Int, dropout: Dropout, _ scope: ParameterScope) throws {
        switch spec.mixer {
        case .attention(let attention):
            self.attention = try Attention(attention, width: width, layer: layer, dropout: dropout.attention, scope["attention"])
        }
        feedForward = try FeedForwardLayer(spec.feedForward, width: width, scope["feedForward"])
        norm1 = try NormLayer(spec.norm, width: width, scope["norm1"])
        norm2 = spec.residual.norms == 2 ? try NormLayer(spec.norm, width: width, scope["norm2"]) : nil
        residual = spec.residual
        self.dropout = dropout.residual
        self.layer = layer
    }

    /// x [rows, width] gives the stream after this block.
    public func callAsFunction(_ x: Tensor, _ pass: inout Pass) -> Tensor {
        guard let tape = pass.tape, tape.recompute == .block else { return forward(x, &pass) }
        let context = pass
        return recomputed(x, tape) { x, inner in
            var pass = context
            pass.tape = inner
            return forward(x, &pass)
        }
    }

    private func forward(_ x: Tensor, _ pass: inout Pass) -> Tensor {
        let first = norm1(x, pass.tape)
        let mixed = joined(x, 0, &pass) { residual, pass in attention(first, residual: residual, &pass) }
        let second: Tensor
        switch (residual, norm2) {
        case (.pre, let norm2?): second = norm2(mixed, pass.tape)
        case (.parallelTwoNorms, let norm2?): second = norm2(x, pass.tape)
        default: second = first
        }
        return joined(mixed, 1, &pass) { residual, pass in feedForward(second, residual: residual, &pass) }
    }

    /// Adds a part's output to the stream: in its matmul's epilogue, or after dropout where there is some.
    private func joined(
        _ stream: Tensor, _ site: Int, _ pass: inout Pass, _ part: (Tensor?, inout Pass) -> Tensor
    ) -> Tensor {
        guard let seed = pass.dropoutSeed, dropout > 0 else { return part(stream, &pass) }
        let kept = QuintetTensors.dropout(
            part(nil, &pass), share: dropout, seed: seed, stream: UInt64(2 * layer + site + 1), pass.tape)
        return add(stream, kept, pass.tape)
    }
}
