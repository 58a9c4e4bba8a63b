public import QuintetFiles
import QuintetReports

/// Decides about each step before its update: apply it, skip it, go back, or give up.
///
/// A loss or gradient norm that is not finite skips the step. `maxSkipped` of those in a row roll the run back to its
/// last checkpoint, and the batches in between are passed over (Chowdhery et al. 2022, PaLM, section 5.1). After
/// `maxRollbacks` the run stops with an explanation. A loss far above the recent ones is noted, and applied.
public struct StepGuard: Sendable, Equatable {
    public enum Verdict: Sendable, Equatable {
        case apply
        /// Apply, and say this: the loss is that many standard deviations above the recent mean.
        case applyWithSpike(deviations: Double)
        case skip(inRow: Int)
        case rollBack(number: Int)
        case stop(explanation: String)
    }

    /// What a checkpoint keeps of the guard.
    public struct State: Sendable, Equatable {
        public var skippedInRow = 0
        /// Over the whole run.
        public var skipped = 0
        public var rollbacks = 0
        /// Exponential mean and variance of the loss, and how many losses they have seen.
        public var mean = 0.0
        public var variance = 0.0
        public var seen = 0

        public init() {}
    }

    public var state: State
    public let maxSkipped: Int
    public let maxRollbacks: Int
    /// A note comes from this many standard deviations on.
    public let spike: Double
    /// Losses before spikes are looked for: the first ones fall too fast.
    private let warmup = 50
    private let memory = 0.02

    public init(state: State = State(), maxSkipped: Int = 5, maxRollbacks: Int = 3, spike: Double = 6) {
        self.state = state
        self.maxSkipped = maxSkipped
        self.maxRollbacks = maxRollbacks
        self.spike = spike
    }

    /// What to do with the step that would follow `step` updates.
    public mutating func judge(step: Int, loss: Double, gradientNorm: Double) -> Verdict {
        guard loss.isFinite, gradientNorm.isFinite else { return refuse(step, loss, gradientNorm) }
        state.skippedInRow = 0
        let deviations = observe(loss)
        return deviations >= spike ? .applyWithSpike(deviations: deviations) : .apply
    }

    private mutating func refuse(_ step: Int, _ loss: Double, _ norm: Double) -> Verdict {
        state.skippedInRow += 1
        state.skipped += 1
        if state.skippedInRow < maxSkipped { return .skip(inRow: state.skippedInRow) }
        state.skippedInRow = 0
        state.rollbacks += 1
        if state.rollbacks <= maxRollbacks { return .rollBack(number: state.rollbacks) }
        return .stop(explanation: explanation(step, loss, norm))
    }

    private func explanation(_ step: Int, _ loss: Double, _ norm: Double) -> String {
        "stopped at step \(step): the \(loss.isFinite ? "gradient norm is \(Number.short(norm, digits: 3))" : "loss is \(Number.short(loss, digits: 3))"), \(maxSkipped) steps in a row were not finite, "
            + (maxRollbacks == 0 ? "" : "and going back to the last checkpoint \(maxRollbacks) times did not help. ")
            + "The last good checkpoint is kept. Try a lower learning_rate, a longer warmup, or a smaller max_grad_norm in a new run"
    }

    /// Takes a loss into the running statistics; returns how many deviations it stood above them.
    private mutating func observe(_ loss: Double) -> Double {
        defer { state.seen += 1 }
        guard state.seen > 0 else {
            state.mean = loss
            return 0
        }
        let difference = loss - state.mean
        // A floor of a thousandth of the mean keeps a constant loss from making every wiggle a spike.
        let deviation = max(state.variance.squareRoot(), abs(state.mean) * 1e-3, 1e-12)
        let above = state.seen >= warmup ? difference / deviation : 0
        // A spike moves the statistics no further than the threshold would.
        let step = above > spike ? spike * deviation : difference
        let weight = max(memory, 1 / Double(state.seen + 1))
        state.mean += weight * step
        state.variance = (1 - weight) * (state.variance + weight * step * step)
        return above
    }
}

extension StepGuard.State {
    public var json: JSON {
        [
            "skipped_in_row": JSON(skippedInRow), "skipped": JSON(skipped), "rollbacks": JSON(rollbacks), "loss_mean": .number(mean),
            "loss_variance": .number(variance), "losses_seen": JSON(seen),
        ]
    }

    public init(_ json: JSON, source: String) throws(TrainingError) {
        self.init()
        let reader = StateReader(json: json, source: source + ": guard")
        skippedInRow = try reader.whole("skipped_in_row")
        skipped = try reader.whole("skipped")
        rollbacks = try reader.whole("rollbacks")
        mean = try reader.value("loss_mean", "a number") { $0.double }
        variance = try reader.value("loss_variance", "a number") { $0.double }
        seen = try reader.whole("losses_seen")
    }
}
