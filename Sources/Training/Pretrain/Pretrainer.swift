import QuintetCorpus
import QuintetFiles
import QuintetLayers
import QuintetTensors
public import QuintetTokenizers

/// Pretrains a decoder on token shards: the loop, with everything that can be stopped and resumed.
///
///     let outcome = try Pretrainer(data: "shards", run: "run", config: config, resume: false).train(observers)
///
/// An interrupted run that is resumed ends with the same bits as one that was never stopped.
public final class Pretrainer {
    public let plan: TrainingPlan
    public let facts: RunFacts
    public let tokenizer: Tokenizer
    let dataset: TokenDataset
    let folder: RunFolder
    let learner: Learner
    let modelConfig: JSON
    var sampler: BatchSampler
    var state: TrainerState
    var guardian: StepGuard
    var observers: [any TrainingObserver] = []
    private let resumedFrom: Int?

    /// Opens data and run folder, checks that they belong together, and builds or loads the model; nothing is trained yet.
    ///
    /// - Throws: `TrainingError` (impossible settings, a run that differs, a folder in use), `FileError` (damaged data).
    public init(data: String, run: String, config: TrainingConfig, resume: Bool, say: @escaping (String) -> Void = { _ in }) throws {
        tokenizer = try Tokenizer.load(data)
        dataset = try TokenDataset(data, tokenizer: tokenizer.fingerprint)
        plan = try config.plan(vocabulary: dataset.vocabularySize)
        modelConfig = plan.shape.configuration(
            beginOfText: tokenizer.bosID.map(Int.init), endOfText: Int(dataset.endOfText), dropout: plan.settings.dropout)
        let spec = try plan.shape.spec(dropout: plan.settings.dropout)
        let seed = UInt64(bitPattern: Int64(plan.settings.seed))
        sampler = try BatchSampler(dataset, sequence: plan.sequence, batch: plan.batch, seed: seed)
        folder = try RunFolder(run, resume: resume, keepLast: plan.settings.keepLast, say: say)
        state = TrainerState()
        state.settings = plan.settings
        state.model = modelConfig
        state.dataFingerprint = dataset.fingerprint
        state.tokenizerFingerprint = dataset.tokenizerFingerprint
        if let start = folder.start {
            let saved = try TrainerState.read(checkpoint: start.path)
            try saved.checkContinues(
                settings: plan.settings, model: modelConfig, dataFingerprint: dataset.fingerprint,
                tokenizerFingerprint: dataset.tokenizerFingerprint)
            state = saved
            state.settings = plan.settings
        }
        resumedFrom = folder.start?.step
        guardian = StepGuard(
            state: state.guardState, maxSkipped: plan.settings.maxSkipped, maxRollbacks: plan.settings.maxRollbacks)
        learner = try Learner(
            spec, groups: plan.groups, seed: seed, matrixDType: plan.settings.bf16 ? .bf16 : .f32,
            recompute: plan.settings.recompute.recompute)
        facts = Self.facts(plan, run, dataset, learner)
        if let start = folder.start {
            try load(start)
            try sampler.restore(state.cursor, source: start.path)
        }
    }

    /// Trains until the plan's last step or a signal; saves before it returns.
    public func train(_ observers: [any TrainingObserver] = []) throws -> PretrainOutcome {
        self.observers = observers
        guard state.step < plan.steps else {
            return PretrainOutcome(end: .alreadyFinished, step: state.step, lastLoss: nil, evaluation: nil)
        }
        try folder.write(settings: plan.settings)
        try tell { try $0.started(facts, resumed: resumedFrom) }
        var lastLoss: Double?
        var evaluation: EvaluationRecord?
        while state.step < plan.steps, StopSignal.pending == nil {
            // After a rollback the step is an earlier one, whose evaluation and checkpoint are done already.
            guard let loss = try step() else { continue }
            lastLoss = loss
            evaluation = try afterStep() ?? evaluation
        }
        let end: PretrainOutcome.End = state.step < plan.steps ? StopSignal.pending.map { .interrupted($0) } ?? .finished : .finished
        if end != .finished { try save() }
        let outcome = PretrainOutcome(end: end, step: state.step, lastLoss: lastLoss, evaluation: evaluation)
        try tell { try $0.finished(outcome) }
        return outcome
    }

    /// What is due after a step: evaluation, samples, a checkpoint.
    private func afterStep() throws -> EvaluationRecord? {
        let last = state.step == plan.steps
        var evaluation: EvaluationRecord?
        if last || state.step % plan.evalEvery == 0 { evaluation = try evaluateNow() }
        if last || state.step % plan.sampleEvery == 0 { try sampleNow() }
        if last || state.step % plan.saveEvery == 0 { try save() }
        return evaluation
    }

    func tell(_ body: (any TrainingObserver) throws -> Void) throws {
        for observer in observers { try body(observer) }
    }

    func note(_ text: String) throws { try tell { try $0.noted(step: state.step, text) } }

    private static func facts(_ plan: TrainingPlan, _ run: String, _ dataset: TokenDataset, _ learner: Learner) -> RunFacts {
        RunFacts(
            plan: plan, run: run, parameters: learner.store.parameterCount, trainTokens: dataset.trainTokens,
            validationTokens: dataset.validationTokens, trainDocuments: dataset.documents(.train),
            validationDocuments: dataset.documents(.validation), dataFingerprint: dataset.fingerprint,
            tokenizerFingerprint: dataset.tokenizerFingerprint,
            flopsPerStep: 3 * Double(plan.accumulation) * learner.spec.forwardFlops(batch: plan.batch, time: plan.sequence),
            peakGflops: MachineLimit.fmaGflops(threads: Threads.count), threads: Threads.count,
            instructionSet: InstructionSet.name)
    }
}

extension RecomputeLevel {
    /// The same level as the tape knows it.
    var recompute: Recompute {
        switch self {
        case .none: .none
        case .activations: .activations
        case .block: .block
        }
    }
}
