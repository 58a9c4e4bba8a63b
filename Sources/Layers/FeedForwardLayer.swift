public import QuintetTensors

/// What works on each position alone: up, activation, down.
public struct FeedForwardLayer: Sendable {
    private enum Kind: Sendable {
        case plain(up: Linear, Activation)
        case gated(gateUp: Linear, Activation)
    }
    private let kind: Kind
    private let down: Linear

    public init(_ spec: FeedForward, width: Int, _ scope: ParameterScope) throws {
        switch spec {
        case .plain(let hidden, let activation, let biases):
            kind = .plain(up: try Linear(scope["up"], outputs: hidden, inputs: width, bias: biases.onInput), activation)
            down = try Linear(scope["down"], outputs: width, inputs: hidden, bias: biases.onOutput)
        case .gated(let hidden, let activation, let biases):
            kind = .gated(gateUp: try Linear(scope["gateUp"], outputs: 2 * hidden, inputs: width, bias: biases.onInput), activation)
            down = try Linear(scope["down"], outputs: width, inputs: hidden, bias: biases.onOutput)
        }
    }

    /// x [rows, width] gives down(f(up(x))) + residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let hidden: Tensor
        switch kind {
        case .plain(let up, let activation): hidden = up(x, activation, tape: pass.tape)
        case .gated(let gateUp, let activation):
            hidden = gatedProduct(x, gateUp.weight, bias: gateUp.bias, .function(activation), pass.tape)
        }
        return down(hidden, residual: residual, tape: pass.tape)
    }
}
