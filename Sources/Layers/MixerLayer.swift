import QuintetTensors

/// What moves information between positions, built from its spec. A new kind of mixer is a case here.
enum MixerLayer: Sendable {
    case attention(Attention)
    case latentAttention(LatentAttention)
    case stateSpace(StateSpace)

    /// `scope` is the block's; each kind has its own path below it.
    init(_ mixer: Mixer, width: Int, layer: Int, dropout: Float, _ scope: ParameterScope) throws {
        switch mixer {
        case .attention(let spec): self = .attention(try Attention(spec, width: width, layer: layer, dropout: dropout, scope["attention"]))
        case .latentAttention(let spec): self = .latentAttention(try LatentAttention(spec, width: width, layer: layer, scope["attention"]))
        case .stateSpace(let spec): self = .stateSpace(try StateSpace(spec, width: width, layer: layer, scope["stateSpace"]))
        }
    }

    /// x [rows, width] gives mixed(x) + residual.
    func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        switch self {
        case .attention(let attention): attention(x, residual: residual, &pass)
        case .latentAttention(let attention): attention(x, residual: residual, &pass)
        case .stateSpace(let space): space(x, residual: residual, &pass)
        }
    }
}
