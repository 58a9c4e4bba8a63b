public import QuintetTensors

/// A mixture of experts: the router sends each row to a few of them, their outputs are joined by weight.
///
/// Rows are gathered by expert, so a product runs once for each expert that somebody wants; a row's bits do not depend on the others.
public struct ExpertsLayer: Sendable {
    private let routing: Routing
    private let gate: Gate
    private let router: Linear
    private let correction: Tensor?
    private let gateUp: GroupedWeight, down: GroupedWeight
    private let gateUpBias: Tensor?, downBias: Tensor?
    private let shared: FeedForwardLayer?

    public init(_ spec: ExpertsSpec, width: Int, _ scope: ParameterScope) throws {
        let experts = spec.routing.experts
        routing = spec.routing
        gate = spec.gate
        router = try Linear(scope["router"], outputs: experts, inputs: width, bias: spec.router == .biased)
        correction = spec.router == .corrected ? try scope.tensor("correction", [experts]) : nil
        gateUp = try scope["experts"]["gateUp"].grouped("weight", GroupLayout(groups: experts, height: 2 * spec.hidden), inputs: width)
        down = try scope["experts"]["down"].grouped("weight", GroupLayout(groups: experts, height: width), inputs: spec.hidden)
        gateUpBias = spec.biases.onInput ? try scope["experts"]["gateUp"].vectors("bias", [experts, 2 * spec.hidden]) : nil
        downBias = spec.biases.onOutput ? try scope["experts"]["down"].vectors("bias", [experts, width]) : nil
        switch spec.shared {
        case .none: shared = nil
        case .gated(let hidden, let activation):
            shared = try FeedForwardLayer(.gated(hidden: hidden, activation, .none), width: width, scope["shared"])
        }
    }

    /// x [rows, width] gives the weighted sum of what its experts give, plus the shared expert's, plus the residual.
    public func callAsFunction(_ x: Tensor, residual: Tensor?, _ pass: inout Pass) -> Tensor {
        let stream = shared.map { $0(x, residual: residual, &pass) } ?? residual
        let routes = route(router(x, pass), routing, correction: correction, pass.tape)
        let rows = embed(routes.sources, x, pass.tape)
        let hidden = gated(expertProduct(rows, gateUp, bias: gateUpBias, routes, pass.tape), gate, pass.tape)
        return combine(expertProduct(hidden, down, bias: downBias, routes, pass.tape), routes, residual: stream, pass.tape)
    }
}
