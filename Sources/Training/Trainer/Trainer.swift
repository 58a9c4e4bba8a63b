import QuintetFiles
import QuintetTensors

/// The one training loop: steps, evaluations, checkpoints, observers, signals; what is learned is its trainee's business.
///
/// An interrupted run that is resumed ends with the same bits as one that was never stopped.
final class Trainer {
    let trainee: any Trainee
    let folder: RunFolder
    let pace: Pace
    let facts: RunFacts
    var state: TrainerState
    var guardian: StepGuard
    private var observers: [any TrainingObserver] = []
    private let resumedFrom: Int?

    /// `state` is that of a fresh run, or what the folder's checkpoint holds and the caller has checked; then the weights are loaded.
    init(_ trainee: any Trainee, _ folder: RunFolder, _ pace: Pace, _ facts: RunFacts, _ state: TrainerState) throws {
        self.trainee = trainee
        self.folder = folder
        self.pace = pace
        self.facts = facts
        self.state = state
        resumedFrom = folder.start?.step
        guardian = StepGuard(state: state.guardState, maxSkipped: state.settings.maxSkipped, maxRollbacks: state.settings.maxRollbacks)
        trainee.learner.isStopped = { StopSignal.pending != nil }
        if let start = folder.start {
            try load(start)
            try trainee.restore(state.cursor, source: start.path)
        } else {
            // A signal may come before the first step; what is saved then has to name its place, too.
            self.state.cursor = trainee.cursor
        }
    }

    /// Whether nothing is left to do: the last step, or too long without a better evaluation.
    var isDone: Bool { state.step >= pace.steps || hasStalled }

    private var hasStalled: Bool {
        guard let patience = pace.patience, let best = state.bestStep else { return false }
        return state.step - best >= patience * pace.evalEvery
    }

    /// Trains until the last step or a signal; saves before it returns.
    func train(_ observers: [any TrainingObserver]) throws -> PretrainOutcome {
        self.observers = observers
        guard !isDone else { return PretrainOutcome(end: .alreadyFinished, step: state.step, lastLoss: nil, evaluation: nil) }
        try folder.writeSettings(state)
        try tell { try $0.started(facts, resumed: resumedFrom) }
        var lastLoss: Double?
        var evaluation: EvaluationRecord?
        if resumedFrom == nil, pace.weights == .best { evaluation = try before() }
        while !isDone, StopSignal.pending == nil {
            // After a rollback the step is an earlier one, whose evaluation and checkpoint are done already.
            guard let loss = try step() else { continue }
            lastLoss = loss
            evaluation = try afterStep() ?? evaluation
        }
        if isDone, state.isBetter == false { try note("no evaluation was better than before anything was learned") }
        let end: PretrainOutcome.End = isDone ? .finished : StopSignal.pending.map { .interrupted($0) } ?? .finished
        if end != .finished { try save() }
        let outcome = PretrainOutcome(end: end, step: state.step, lastLoss: lastLoss, evaluation: evaluation)
        try tell { try $0.finished(outcome) }
        return outcome
    }

    /// How the model does and writes before it learns anything; that has no checkpoint, so it is never the best.
    private func before() throws -> EvaluationRecord? {
        let evaluation = try trainee.evaluate(step: 0)
        state.startLoss = evaluation?.loss
        if let evaluation { try tell { try $0.evaluated(evaluation) } }
        if let sample = try trainee.sample(step: 0) { try tell { try $0.sampled(sample) } }
        return evaluation
    }

    /// What is due after a step: evaluation, samples, a checkpoint.
    private func afterStep() throws -> EvaluationRecord? {
        let last = state.step == pace.steps
        var evaluation: EvaluationRecord?
        if last || state.step % pace.evalEvery == 0 { evaluation = try evaluateNow() }
        if last || state.step % pace.sampleEvery == 0, let sample = try trainee.sample(step: state.step) { try tell { try $0.sampled(sample) } }
        let isBest = evaluation != nil && state.bestStep == state.step
        if isDone || isBest || state.step % pace.saveEvery == 0 { try save() }
        return evaluation
    }

    /// Loss and scores on held-out data; remembers the best.
    private func evaluateNow() throws -> EvaluationRecord? {
        guard let record = try trainee.evaluate(step: state.step) else { return nil }
        if record.loss < state.bestLoss ?? .infinity {
            state.bestLoss = record.loss
            state.bestStep = state.step
        }
        try tell { try $0.evaluated(record) }
        return record
    }

    func tell(_ body: (any TrainingObserver) throws -> Void) throws {
        for observer in observers { try body(observer) }
    }

    func note(_ text: String) throws { try tell { try $0.noted(step: state.step, text) } }
}
