public import QuintetLayers
public import QuintetTensors

/// A model that learns: its parameters, their gradients, and the optimizer that moves them.
///
///     let learner = try Learner(spec, groups: plan.groups, seed: 42)
///     let loss = learner.accumulate(inputs, targets, batch: 8, tokensPerUpdate: 8 * 256)
///     let outcome = learner.update(rateFactor: 1, clip: 1)
// Sendable: used by one thread at a time.
public final class Learner: @unchecked Sendable {
    public let spec: TransformerSpec
    public let store: ParameterStore
    public let optimizer: Optimizer
    public let model: Transformer
    public let recompute: Recompute
    /// Asked between layers while gradients are made; once it says yes, what `accumulate` gives means nothing and has to be discarded.
    public var isStopped: @Sendable () -> Bool = { false }
    private var positions: (batch: Int, time: Int, tensor: Tensor)?

    public init(
        _ spec: TransformerSpec, groups: OptimizerGroups, seed: UInt64, matrixDType: DType = .f32, recompute: Recompute = .none
    ) throws {
        self.spec = spec
        self.recompute = recompute
        store = ParameterStore(spec.parameters, matrixDType: matrixDType)
        store.initialize(seed: seed)
        optimizer = Optimizer(store, groups)
        model = try Transformer(spec, ParameterScope(store, .dense))
    }

    /// A model whose parameters in training lie in `store`; whatever else it holds stays as it is.
    public init(_ spec: TransformerSpec, _ model: Transformer, _ store: ParameterStore, groups: OptimizerGroups, recompute: Recompute = .none) {
        self.spec = spec
        self.recompute = recompute
        self.store = store
        self.model = model
        optimizer = Optimizer(store, groups)
    }

    /// Adds the gradient of the mean loss over `tokensPerUpdate` tokens; gives the sum of this batch's losses in nats.
    ///
    /// `inputs`, `targets`: i32 [batch * time]; a negative target is ignored. Bits do not depend on the number of threads.
    public func accumulate(
        _ inputs: Tensor, _ targets: Tensor, batch: Int, tokensPerUpdate: Int, dropoutSeed: UInt64? = nil
    ) -> Double {
        let tape = Tape(parameters: store, recompute: recompute, isStopped: isStopped)
        var pass = pass(batch: batch, rows: inputs.count)
        pass.tape = tape
        pass.dropoutSeed = dropoutSeed
        let losses = model.losses(inputs, targets: targets, scale: 1 / Float(tokensPerUpdate), &pass)
        // The context holds the tape too; backward empties it.
        let total = sum(losses)
        _ = tape.backward(from: losses, gradient: losses)
        return total
    }

    /// The sum of the losses over a batch in nats, nothing learned.
    public func evaluate(_ inputs: Tensor, _ targets: Tensor, batch: Int) -> Double {
        var pass = pass(batch: batch, rows: inputs.count)
        return sum(model.losses(inputs, targets: targets, &pass))
    }

    /// Moves the parameters by the accumulated gradient, clipped to norm `clip` (0: never), and forgets it.
    ///
    /// `norm` is the gradient's norm where the caller has it already. A gradient that is not finite moves nothing.
    @discardableResult
    public func update(rateFactor: Double, clip: Double, norm known: Double? = nil) -> UpdateOutcome {
        let norm = known ?? gradientNorm()
        defer { store.clearGradients() }
        guard norm.isFinite else { return UpdateOutcome(gradientNorm: norm, applied: false) }
        let factor = clip > 0 && norm > clip ? Float(clip / norm) : 1
        optimizer.update(rateFactor: rateFactor, gradientFactor: factor)
        return UpdateOutcome(gradientNorm: norm, applied: true)
    }

    /// The norm of the whole gradient; not finite if any element is not.
    public func gradientNorm() -> Double {
        store.completeGradients()
        return squaredNorm(store.gradients).squareRoot()
    }

    /// Forgets what was accumulated.
    public func discard() { store.clearGradients() }

    private func pass(batch: Int, rows: Int) -> Pass {
        let time = rows / batch
        if positions?.batch != batch || positions?.time != time {
            positions = (batch, time, Pass.sequences(batch: batch, time: time).positions)
        }
        let tensor = positions?.tensor ?? Pass.sequences(batch: batch, time: time).positions
        return Pass(batch: batch, positions: tensor, length: time)
    }

    private func sum(_ losses: Tensor) -> Double {
        losses.floats.reduce(0) { $0 + Double($1) }
    }
}

/// What an update did.
public struct UpdateOutcome: Sendable, Equatable {
    /// Before clipping.
    public let gradientNorm: Double
    /// False when the gradient was not finite and nothing moved.
    public let applied: Bool
}
