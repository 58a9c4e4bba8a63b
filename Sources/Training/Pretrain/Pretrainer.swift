import QuintetCorpus
import QuintetFiles
import QuintetLayers
import QuintetReports
import QuintetTensors
public import QuintetTokenizers

/// Pretrains a decoder on token shards: opens data and run folder, and lets the trainer do the rest.
///
///     let outcome = try Pretrainer(data: "shards", run: "run", config: config, resume: false).train(observers)
///
/// An interrupted run that is resumed ends with the same bits as one that was never stopped.
public final class Pretrainer {
    public let plan: TrainingPlan
    public let facts: RunFacts
    public let tokenizer: Tokenizer
    private let trainee: PretrainTrainee
    private let trainer: Trainer

    /// Opens data and run folder, checks that they belong together, and builds or loads the model; nothing is trained yet.
    ///
    /// - Throws: `TrainingError` (impossible settings, a run that differs, a folder in use), `FileError` (damaged data).
    public init(data: String, run: String, config: TrainingConfig, resume: Bool, say: @escaping (String) -> Void = { _ in }) throws {
        let dataset = try TokenDataset(data)
        tokenizer = try Tokenizer.load(data)
        try dataset.check(tokenizer: tokenizer.fingerprint)
        plan = try config.plan(vocabulary: dataset.vocabularySize)
        let modelConfig = plan.shape.configuration(
            beginOfText: tokenizer.bosID.map(Int.init), endOfText: Int(dataset.endOfText), dropout: plan.settings.dropout)
        let memory = try MemoryPlan(pretraining: plan)
        try memory.check(memory.advice(pretraining: plan))
        let sampler = try BatchSampler(
            dataset, sequence: plan.sequence, batch: plan.batch, seed: UInt64(bitPattern: Int64(plan.settings.seed)))
        let folder = try RunFolder(run, resume: resume, keepLast: plan.settings.keepLast, say: say)
        var state = TrainerState()
        if let start = folder.start {
            state = try TrainerState.read(checkpoint: start.path)
            try state.checkContinues(
                settings: plan.settings, model: modelConfig, dataFingerprint: dataset.fingerprint,
                tokenizerFingerprint: dataset.tokenizerFingerprint)
        }
        state.settings = plan.settings
        state.model = modelConfig
        state.dataFingerprint = dataset.fingerprint
        state.tokenizerFingerprint = dataset.tokenizerFingerprint
        trainee = try PretrainTrainee(plan, dataset, sampler, tokenizer)
        facts = RunFacts(pretraining: plan, run, dataset, trainee.learner)
        trainer = try Trainer(trainee, folder, Pace(plan), facts, state)
    }

    var dataset: TokenDataset { trainee.dataset }

    /// Trains until the plan's last step or a signal; saves before it returns.
    public func train(_ observers: [any TrainingObserver] = []) throws -> PretrainOutcome { try trainer.train(observers) }

    /// A continuation of `prompt` by the model as it stands; an empty prompt begins a document.
    public func write(_ prompt: String, tokens: Int) throws -> String {
        try trainee.write(prompt, tokens: tokens, step: trainer.state.step)
    }
}

extension Pace {
    init(_ plan: TrainingPlan) {
        self.init(
            steps: plan.steps, schedule: plan.schedule, learningRate: plan.groups.matrices.learningRate, clip: plan.settings.clip,
            evalEvery: plan.evalEvery, sampleEvery: plan.sampleEvery, saveEvery: plan.saveEvery)
    }
}

extension RunFacts {
    init(pretraining plan: TrainingPlan, _ run: String, _ dataset: TokenDataset, _ learner: Learner) {
        let shape = plan.shape, parameters = learner.store.parameterCount
        let flops = 3 * Double(plan.accumulation) * learner.spec.forwardFlops(batch: plan.batch, time: plan.sequence)
        self.init(
            run: run,
            headline: """
                \(Number.compact(Double(parameters))) parameters (\(shape.family.rawValue), \(shape.layers) layers, width \(shape.width)), \
                \(Number.grouped(plan.steps)) steps of \(Number.grouped(plan.tokensPerStep)) tokens, \
                data: \(Number.compact(Double(dataset.trainTokens))) tokens, \(Number.compact(Double(dataset.validationTokens))) held out
                """,
            parameters: parameters, steps: plan.steps, logEvery: plan.settings.logEvery, trainTokens: dataset.trainTokens,
            settings: plan.settings.values,
            model: [
                ("Family", shape.family.rawValue), ("Parameters", Number.grouped(parameters)), ("Layers", "\(shape.layers)"),
                ("Width", "\(shape.width)"), ("Heads", shape.kvHeads == shape.heads ? "\(shape.heads)" : "\(shape.heads), \(shape.kvHeads) for keys and values"),
                ("Feed-forward width", "\(shape.feedForward)"), ("Context", Number.grouped(shape.context)), ("Vocabulary", Number.grouped(shape.vocabulary)),
                ("Work in a step", "\(Number.compact(flops))FLOP"),
            ],
            data: [
                ("Training documents", Number.grouped(dataset.documents(.train))), ("Training tokens", Number.grouped(dataset.trainTokens)),
                ("Held-out documents", Number.grouped(dataset.documents(.validation))), ("Held-out tokens", Number.grouped(dataset.validationTokens)),
            ],
            fingerprints: [
                ("Data SHA-256", String(dataset.fingerprint.prefix(16))), ("Tokenizer SHA-256", String(dataset.tokenizerFingerprint.prefix(16))),
            ],
            flopsPerToken: flops / Double(plan.tokensPerStep))
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
