import CQuintetKernels

/// How rows choose experts and what the choice is worth.
public struct Routing: Sendable, Equatable {
    public var experts: Int
    /// Experts that a row goes to.
    public var chosen: Int
    public var scoring: Scoring
    public var groups: Groups?
    public var normalization: Normalization
    /// Multiplies the weights.
    public var factor: Float

    /// What scores become before or after the choice.
    public enum Scoring: Sendable, Equatable {
        /// Softmax over all experts, then the largest are taken.
        case softmaxOverAll
        /// The largest scores are taken, then softmax over them.
        case softmaxOverChosen
        /// Each score's sigmoid, then the largest are taken.
        case sigmoid
    }

    /// Only experts of the best groups may be chosen; a group is worth its two best experts. Source: DeepSeek-AI 2024.
    public struct Groups: Sendable, Equatable {
        public var count: Int
        public var kept: Int

        public init(count: Int, kept: Int) {
            self.count = count
            self.kept = kept
        }
    }

    /// What the weights of a row are divided by.
    public enum Normalization: Sendable, Equatable {
        case none
        /// Their sum plus a small number.
        case sum(plus: Float)
    }

    public init(
        experts: Int, chosen: Int, scoring: Scoring, groups: Groups? = nil, normalization: Normalization = .none, factor: Float = 1
    ) {
        self.experts = experts
        self.chosen = chosen
        self.scoring = scoring
        self.groups = groups
        self.normalization = normalization
        self.factor = factor
    }

    fileprivate func call(_ op: Int, rows: Int) -> KernelCall {
        let kind =
            switch scoring {
            case .softmaxOverAll: 0
            case .softmaxOverChosen: 1
            case .sigmoid: 2
            }
        var call = KernelCall(op, kind: kind)
        call.n.0 = Int64(rows)
        call.n.1 = Int64(experts)
        call.n.2 = Int64(chosen)
        call.n.3 = Int64(groups?.count ?? 0)
        call.n.4 = Int64(groups?.kept ?? 0)
        if case .sum(let epsilon) = normalization { (call.n.5, call.s.1) = (1, epsilon) }
        call.s.0 = factor
        return call
    }
}

/// Where rows go: which experts, with what weight, and the rows sorted by expert. "Places" count (row, choice) pairs in that order.
public struct Routes: Sendable {
    /// f32 [rows, chosen].
    public let weights: Tensor
    /// i32 [rows, chosen], rising along a row.
    public let experts: Tensor
    /// i32 [experts + 1]: the places of expert e begin at offsets[e].
    public let offsets: Tensor
    /// i32 [rows * chosen]: the row at each place.
    public let sources: Tensor
    /// i32 [rows, chosen]: the place of each choice.
    public let places: Tensor
}

/// Sends every row to its best experts: scores [rows, experts] give the routes; of equal scores the lower expert comes first.
///
/// `correction` [experts] is added to what decides, not to what the weights are made of. The gradient flows through the weights.
public func route(_ scores: Tensor, _ routing: Routing, correction: Tensor? = nil, _ tape: Tape? = nil) -> Routes {
    let scores = scores.contiguous()
    let rows = scores.shape.rows
    precondition(scores.shape.columns == routing.experts, "\(scores.shape) are no scores of \(routing.experts) experts")
    let experts = Tensor(uninitialized: [rows, routing.chosen], dtype: .i32)
    var weights = Tensor(uninitialized: [rows, routing.chosen])
    var call = routing.call(QK_OP_ROUTE, rows: rows)
    call.p.0 = experts.data
    call.p.1 = weights.data
    call.p.2 = scores.data
    call.p.3 = correction?.data
    call.run()
    if let tape, tape.needs(scores) {
        weights = tape.record(weights) { dy, gradients in
            let dscores = Tensor(uninitialized: scores.shape)
            var call = routing.call(QK_OP_ROUTE_GRAD, rows: rows)
            call.p.0 = dscores.data
            call.p.1 = scores.data
            call.p.2 = experts.data
            call.p.3 = dy.data
            call.run()
            gradients.add(dscores, to: scores)
        }
    }
    let places = sorted(experts, routing)
    return Routes(weights: weights, experts: experts, offsets: places.offsets, sources: places.sources, places: places.places)
}

private func sorted(_ experts: Tensor, _ routing: Routing) -> (offsets: Tensor, sources: Tensor, places: Tensor) {
    let offsets = Tensor(uninitialized: [routing.experts + 1], dtype: .i32)
    let sources = Tensor(uninitialized: [experts.count], dtype: .i32)
    let places = Tensor(uninitialized: experts.shape, dtype: .i32)
    var call = KernelCall(QK_OP_ROUTE_PLACES)
    call.p.0 = offsets.data
    call.p.1 = sources.data
    call.p.2 = places.data
    call.p.3 = experts.data
    call.n.0 = Int64(experts.shape[0])
    call.n.1 = Int64(routing.experts)
    call.n.2 = Int64(routing.chosen)
    call.run()
    return (offsets, sources, places)
}

/// Joins what the experts gave: the sum over a row's choices of weight times y at the choice's place, plus `residual` [rows, width].
///
/// `y` [rows * chosen, width] lies in the order of the places. Choices are added in the order of their experts.
public func combine(_ y: Tensor, _ routes: Routes, residual: Tensor? = nil, _ tape: Tape? = nil) -> Tensor {
    let (rows, chosen, width) = (routes.weights.shape[0], routes.weights.shape[1], y.shape.columns)
    let out = Tensor(uninitialized: [rows, width])
    var call = KernelCall(QK_OP_COMBINE)
    call.p.0 = out.data
    call.p.1 = y.data
    call.p.2 = routes.weights.data
    call.p.3 = routes.places.data
    call.p.4 = residual?.data
    call.n.0 = Int64(rows)
    call.n.1 = Int64(width)
    call.n.2 = Int64(chosen)
    call.n.3 = Int64(residual?.rowStride ?? 0)
    call.run()
    guard let tape, [y, routes.weights, residual].compactMap({ $0 }).contains(where: tape.needs) else { return out }
    return tape.record(out) { dout, gradients in
        if let residual { gradients.add(dout, to: residual) }
        let (dy, dweights) = (Tensor(uninitialized: y.shape), Tensor(uninitialized: routes.weights.shape))
        var call = KernelCall(QK_OP_COMBINE_GRAD)
        call.p.0 = dy.data
        call.p.1 = dweights.data
        call.p.2 = dout.data
        call.p.3 = y.data
        call.p.4 = routes.weights.data
        call.p.5 = routes.places.data
        call.n.0 = Int64(rows)
        call.n.1 = Int64(width)
        call.n.2 = Int64(chosen)
        call.run()
        gradients.add(dy, to: y)
        gradients.add(dweights, to: routes.weights)
    }
}
