public import QuintetTensors

/// A mixture of gated feed-forwards of which each position uses a few.
///
/// Weights: `feedForward.router` [experts, width]; `feedForward.experts.gateUp` [experts * 2 * hidden, width], expert after
/// expert, the gate's rows first; `feedForward.experts.down` [experts * width, hidden]; their biases are [experts, ...]. Source: Shazeer et al. 2017, Fedus et al. 2022.
public struct ExpertsSpec: Sendable, Equatable {
    public var routing: Routing
    /// Elements of the hidden layer of one expert.
    public var hidden: Int
    public var gate: Gate
    public var biases: Biases
    public var router: Router
    public var shared: SharedExpert

    public init(
        routing: Routing, hidden: Int, gate: Gate = .function(.silu), biases: Biases = .none, router: Router = .plain,
        shared: SharedExpert = .none
    ) {
        self.routing = routing
        self.hidden = hidden
        self.gate = gate
        self.biases = biases
        self.router = router
        self.shared = shared
    }

    /// What the router learns besides its matrix.
    public enum Router: Sendable, Equatable {
        case plain
        /// `feedForward.router.bias` [experts] is part of the scores.
        case biased
        /// `feedForward.correction` [experts] counts for the choice, not for the weights.
        case corrected
    }

    /// A feed-forward that every position uses beside its experts.
    public enum SharedExpert: Sendable, Equatable {
        case none
        /// `feedForward.shared.gateUp` [2 * hidden, width], `feedForward.shared.down` [width, hidden].
        case gated(hidden: Int, Activation)
    }
}

extension TransformerSpec {
    /// The first layer's experts; nil where no layer has any.
    public var firstExperts: ExpertsSpec? {
        layers.lazy.compactMap { if case .experts(let experts) = $0.feedForward { experts } else { nil } }.first
    }
}
