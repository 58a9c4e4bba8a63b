public import QuintetTensors

/// What works on each position alone: up, activation, down; or experts that do so. A new kind of feed-forward is a case here.
public struct FeedForwardLayer: Sendable {
    private indirect enum Kind: Sendable {
        case plain(up: Linear, Activation, down: Linear)
        case gated(gateUp: Linear, Activation, down: Linear)
        case experts(ExpertsLayer)
        case none
    }
    private let kind: Kind

    public init(_ spec: FeedForward, width: Int, _ scope: ParameterScope) throws {
        switch spec {
        case .plain(let hidden, let activation, let biases):
            kind = .plain(
                up: try Linear(scope["up"], outputs: hidden, inputs: width, bias: biases.onInput), activation,
                down: try Linear(scope["down"], outputs: width, inputs: hidden, bias: biases.onOutput))
        case .gated(let hidden, let activation, let biases):
            kind = .gated(
                gateUp: try Linear(scope["gateUp"], outputs: 2 * hidden, inputs: width, bias: biases.onInput), activation,
                down: try Linear(scope["down"], outputs: width, inputs: hidden, bias: biases.onOutput))
        case .experts(let experts): kind = .experts(try ExpertsLayer(experts, width: width, scope))
        case .none: kind = .none
        }
    }

    /// x [rows, width] gives down(f(up(x))) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        switch kind {
        case .plain(let up, let activation, let down):
            return down(up(x, pass, activation), pass, residual: residual)
        case .gated(let gateUp, let activation, let down):
            return down(
                gatedProduct(x, gateUp.weight, bias: gateUp.bias, .function(activation), adapting: pass.adapting, pass.tape), pass, residual: residual)
        case .experts(let experts): return experts(x, residual: residual, &pass)
        case .none: return residual ?? x
        }
    }
}
