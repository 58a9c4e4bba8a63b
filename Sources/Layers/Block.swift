public import QuintetTensors

/// One layer of the stack: a mixer and a feed-forward, joined to the stream as the spec says.
public struct Block: Sendable {
    private let mixer: MixerLayer
    private let feedForward: FeedForwardLayer?
    private let norm1: NormLayer?, outNorm1: NormLayer?, norm2: NormLayer?, outNorm2: NormLayer?
    private let residual: Residual
    private let branchScale: Float
    private let dropout: Float
    private let layer: Int

    public init(_ spec: BlockSpec, width: Int, layer: Int, dropout: Dropout, _ scope: ParameterScope) throws {
        func norm(_ site: NormSite) throws -> NormLayer? {
            spec.norms.contains(site) ? try NormLayer(spec.norm, width: width, scope[site.rawValue]) : nil
        }
        mixer = try MixerLayer(spec.mixer, width: width, layer: layer, dropout: dropout.attention, scope)
        feedForward = spec.feedForward == .none ? nil : try FeedForwardLayer(spec.feedForward, width: width, scope["feedForward"])
        norm1 = try norm(.norm1)
        outNorm1 = try norm(.outNorm1)
        norm2 = try norm(.norm2)
        outNorm2 = try norm(.outNorm2)
        residual = spec.residual
        branchScale = spec.branchScale
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
        let first = residual == .post ? x : norm1?(x, pass.tape) ?? x
        var stream = joined(residual == .normalized ? first : x, 0, outNorm1, &pass) { mixer(first, residual: $0, &$1) }
        if residual == .post { stream = norm1?(stream, pass.tape) ?? stream }
        guard let feedForward else { return stream }
        let second: Tensor
        switch residual {
        case .pre, .sandwich, .normalized: second = norm2?(stream, pass.tape) ?? stream
        case .post, .output: second = stream
        case .parallel: second = first
        case .parallelTwoNorms: second = norm2?(x, pass.tape) ?? x
        }
        let out = joined(residual == .normalized ? second : stream, 1, outNorm2, &pass) { feedForward(second, residual: $0, &$1) }
        return residual == .post ? norm2?(out, pass.tape) ?? out : out
    }

    /// Adds a part's output to the stream: in its matmul's epilogue, or after what is done to it first.
    private func joined(
        _ stream: Tensor, _ site: Int, _ norm: NormLayer?, _ pass: inout Pass, _ part: (Tensor?, inout Pass) -> Tensor
    ) -> Tensor {
        let dropped = dropout > 0 ? pass.dropoutSeed : nil
        if dropped == nil, norm == nil, branchScale == 1 { return part(stream, &pass) }
        var output = part(nil, &pass)
        if let norm { output = norm(output, pass.tape) }
        if let seed = dropped {
            output = QuintetTensors.dropout(output, share: dropout, seed: seed, stream: UInt64(2 * layer + site + 1), pass.tape)
        }
        if branchScale != 1 { output = scale(output, by: branchScale, pass.tape) }
        return add(stream, output, pass.tape)
    }
}
