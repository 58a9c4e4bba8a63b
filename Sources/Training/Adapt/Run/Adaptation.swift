import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetReports
import QuintetTensors
import QuintetGeneration
import QuintetTokenizers

/// Adapts a model to data: prepares, trains with the one trainer, proves that what was trained is what will be served, and publishes that.
///
///     let outcome = try Adaptation(model: "base", data: "rows.jsonl", into: "tuned", settings: settings).run(observers)
///
/// DIR holds checkpoints, metrics and the report while it runs; config.json and the weights appear when the gate has passed.
public final class Adaptation {
    public let input: AdaptInput
    public let settings: AdaptSettings
    /// Needed and available bytes, checked before the weights were read.
    public let memory: MemoryPlan
    public let facts: RunFacts
    let into: String
    let trainee: AdaptTrainee
    let trainer: Trainer
    let folder: RunFolder
    let plan: AdaptPlan
    let lineage: Lineage
    /// Called with what is written, before the gate looks at it: tests plant faults here.
    package var beforeGate: (String) throws -> Void = { _ in }

    /// Opens everything and checks that it goes together; nothing is trained yet.
    ///
    /// - Throws: `TrainingError`, `FileError`: each before anything is written into `into` but its lock.
    public init(
        model: String, data: String, validation: String? = nil, into: String, settings: AdaptSettings, resume: Bool = false,
        say: @escaping (String) -> Void = { _ in }
    ) throws {
        if Folder.resolved(model) == Folder.resolved(into) { throw FileError("the result cannot be written over the base model", path: into) }
        input = try AdaptInput(model: model, data: data, validation: validation, settings: settings)
        if settings.method == .head, input.objective.head == nil {
            throw TrainingError.impossible(["the method head needs rows with labels; for texts and conversations use full, lora or qlora"])
        }
        if settings.pooling != .last, input.objective.head == nil || input.objective.head?.kind == .tokens {
            throw TrainingError.impossible(["pooling: only objectives that score whole texts pool their states, this one is \(input.entry.name)"])
        }
        if let name = settings.export { try settings.checkExport(name, of: input.base, scores: input.objective.head != nil, isNew: !resume) }
        self.settings = settings
        self.into = into
        let seed = UInt64(bitPattern: Int64(settings.seed))
        let feed = SampleFeed(sizes: input.train.map(\.tokens), room: settings.packs ? input.encoder.limit : nil, seed: seed)
        let parameters = input.base.spec.parameterCount
        plan = AdaptPlan(settings, input, places: feed.placesPerEpoch, parameters: parameters)
        let size = try AdaptedSize(input.base, settings, input.objective.head)
        // Pairs of many lengths leave blocks of many sizes.
        let rows = input.objective.comparesWithStart ? plan.longestBatch / 5 * 7 : plan.longestBatch
        memory = MemoryPlan(
            input.base.spec, settings.method, trained: size.trained, frozen: size.frozenBytes, rows: rows, recompute: settings.recompute.recompute,
            checks: !settings.skipsGate, exports: settings.export != nil)
        try memory.check(memory.advice(adapting: settings))

        folder = try RunFolder(into, resume: resume, keepLast: settings.keepLast, say: say)
        var state = TrainerState()
        lineage = try Lineage(input)
        let task = JSON.object(settings.identity)
        if let start = folder.start {
            state = try TrainerState.read(checkpoint: start.path)
            try state.checkContinues(task: task, lineage, tokenizer: input.encoder.chat.tokenizer.fingerprint)
        }
        state.task = task
        state.model = lineage.json
        state.dataFingerprint = input.data.fingerprint
        state.tokenizerFingerprint = input.encoder.chat.tokenizer.fingerprint

        let adapted = try AdaptedModel(input.base, settings, input.objective.head, groups: plan.groups)
        let card = AdaptCard(input, settings, lineage, adapted.summary).checkpoint
        trainee = AdaptTrainee(
            adapted, input.objective, settings, train: input.train, validation: input.validation, test: input.test, writer: try SampleWriter(input), card: card, feed: feed)
        facts = RunFacts(adapting: input, adapted, plan, into, settings)
        let key = sha256(lineage.json.serialized() + task.serialized() + input.data.fingerprint)
        try trainee.compareWithStart(ReferenceCache(folder: into, key: key, isStart: folder.start == nil))
        trainer = try Trainer(trainee, folder, plan.pace, facts, state)
    }

    /// The line that people know: `trainable params: ... || all params: ... || trainable%: ...`.
    public var trainableLine: String { trainee.adapted.summary }

    /// Trains, then brings the best weights through the gate and publishes them.
    ///
    /// - Throws: `TrainingError.gateFailed` where the result does not match; nothing is published then.
    public func run(_ observers: [any TrainingObserver] = []) throws -> AdaptOutcome {
        let trained = try trainer.train(observers)
        if case .interrupted = trained.end { return AdaptOutcome(trained: trained, gate: nil) }
        let hasExport = settings.export.map { Folder.exists($0) } ?? true
        if trained.end == .alreadyFinished, Folder.isFile(folder.file(GateReport.fileName)), isPublished, hasExport {
            return AdaptOutcome(trained: trained, gate: nil)
        }
        let outcome = try publish(trained)
        for case let recorder as RunRecorder in observers {
            recorder.sections.insert(.init(outcome, steps: trainer.pace.steps, isTest: !trainee.test.isEmpty), at: 0)
            try recorder.writeReport()
        }
        return outcome
    }

    private var isPublished: Bool {
        Folder.isFile(folder.file("config.json")) || Folder.isFile(folder.file("adapter_config.json"))
    }

    private func publish(_ trained: PretrainOutcome) throws -> AdaptOutcome {
        let checkpoint = try best()
        try trainee.loadWeights(checkpoint.path)
        var scores = trainee.validation.isEmpty ? nil : trainee.measure(trainee.validation, step: checkpoint.step)
        if !trainee.test.isEmpty { scores = trainee.measure(trainee.test, step: checkpoint.step) }
        let result = try ResultPublisher(self, trainer.state, best: checkpoint.step, scores: scores).publish()
        var outcome = AdaptOutcome(trained: trained, gate: result)
        outcome.best = scores
        outcome.bestStep = checkpoint.step
        outcome.startLoss = trainer.state.startLoss
        outcome.isBetter = trainer.state.isBetter
        return outcome
    }

    /// The checkpoint with the lowest held-out loss; without held-out rows the newest.
    private func best() throws -> CheckpointStore.Checkpoint {
        let all = try folder.checkpoints.list()
        if let step = trainer.state.bestStep, let best = all.first(where: { $0.step == step }) { return best }
        guard let newest = all.last else { throw TrainingError.noValidCheckpoint(folder: into, problems: []) }
        return newest
    }
}

/// How an adaptation ended.
public struct AdaptOutcome: Sendable {
    public var trained: PretrainOutcome
    /// Nil where the session ended before the gate, or had passed it before.
    public var gate: GateReport?
    /// The published weights' scores on test rows, else on held-out rows.
    public var best: EvaluationRecord?
    public var bestStep: Int?
    /// Loss on held-out rows before anything was learned, and whether an evaluation was better.
    public var startLoss: Double?
    public var isBetter: Bool?

    public func json(run: String) -> JSON {
        var out = trained.json(run: run)
        out["gate"] = gate?.json ?? .null
        out["best_step"] = bestStep.map { JSON($0) } ?? .null
        out["val/loss_before"] = startLoss.map { .number($0) } ?? .null
        out["improved"] = isBetter.map { .bool($0) } ?? .null
        out["loss"] = best.map { .number($0.loss) } ?? .null
        for score in best?.scores ?? [] { out[score.name] = .number(score.value) }
        return out
    }
}

extension TrainerState {
    /// Compares a saved adaptation with what would continue it.
    func checkContinues(task now: JSON, _ lineage: Lineage, tokenizer: String) throws(TrainingError) {
        var differences = Self.differences("", saved: task, now: now) + Self.differences("base", saved: model, now: lineage.json)
        if dataFingerprint != lineage.data { differences.append(.init("data", saved: "sha256 \(dataFingerprint.prefix(12))", now: "sha256 \(lineage.data.prefix(12))")) }
        if tokenizerFingerprint != tokenizer { differences.append(.init("tokenizer", saved: String(tokenizerFingerprint.prefix(12)), now: String(tokenizer.prefix(12)))) }
        if !differences.isEmpty { throw .resumeDiffers(differences) }
    }
}
