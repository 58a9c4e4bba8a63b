import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTokenizers

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Samples of an objective, a model that was there before: what the trainer trains in an adaptation.
final class AdaptTrainee: Trainee {
    let adapted: AdaptedModel
    let objective: any Objective
    let settings: AdaptSettings
    private(set) var train: [Sample]
    private(set) var validation: [Sample]
    private(set) var test: [Sample]
    private let writer: SampleWriter?
    /// The README.md of a checkpoint.
    let card: ModelCard
    private var feed: SampleFeed

    init(
        _ adapted: AdaptedModel, _ objective: any Objective, _ settings: AdaptSettings, train: [Sample], validation: [Sample], test: [Sample], writer: SampleWriter?,
        card: ModelCard, feed: SampleFeed
    ) {
        self.adapted = adapted
        self.objective = objective
        self.settings = settings
        self.train = train
        self.validation = validation
        self.test = test
        self.writer = writer
        self.card = card
        self.feed = feed
    }

    var learner: Learner { adapted.learner }
    var cursor: JSON { feed.cursor }

    func restore(_ cursor: JSON, source: String) throws { try feed.restore(cursor, source: source) }

    func accumulate(step: Int) throws -> StepLoss {
        let passes = (0..<settings.accumulation).map { _ in feed.batch(settings.batch).map { train[$0] } }
        let weight = passes.joined().reduce(0) { $0 + objective.weight(of: $1) }
        var sum = LossSum()
        for (index, samples) in passes.enumerated() {
            var model = adapted.model
            model.dropoutSeed = dropoutSeed(step, index)
            sum += objective.losses(
                samples, model, share: 1 / Float(max(weight, 1)),
                Tape(parameters: learner.store, recompute: learner.recompute, isStopped: learner.isStopped))
            try StopSignal.check()
        }
        try adapted.base.checkIntact()  // before an update made of a cut file's zeros
        Allocator.shared.trimExcess()
        return StepLoss(loss: sum.mean, tokens: sum.tokens, scores: sum.scores)
    }

    /// Distinct for every pass of every step, and the same after a resume.
    private func dropoutSeed(_ step: Int, _ pass: Int) -> UInt64? {
        guard settings.method.isAdapter, settings.adapterDropout > 0 else { return nil }
        let place = UInt64(step) &* UInt64(settings.accumulation) &+ UInt64(pass)
        return UInt64(bitPattern: Int64(settings.seed)) ^ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15
    }

    func evaluate(step: Int) throws -> EvaluationRecord? {
        defer { Allocator.shared.trimExcess() }
        let record = validation.isEmpty ? nil : measure(validation, step: step)
        try adapted.base.checkIntact()
        return record
    }

    /// Loss and scores of samples with the model as it stands.
    func measure(_ samples: [Sample], step: Int) -> EvaluationRecord {
        var sum = LossSum()
        for start in stride(from: 0, to: samples.count, by: settings.batch) {
            sum += objective.losses(Array(samples[start..<min(start + settings.batch, samples.count)]), adapted.model, share: 1, nil)
        }
        return EvaluationRecord(
            step: step, loss: sum.mean, perplexity: objective.isText ? exp(sum.mean) : nil, bitsPerByte: nil, tokens: sum.tokens, scores: sum.scores)
    }

    func sample(step: Int) throws -> SampleRecord? { try writer?.write(learner, step: step) }

    func write(into directory: AtomicDirectory, _ state: TrainerState) throws { try adapted.writeCheckpoint(into: directory, card) }

    func loadWeights(_ checkpoint: String) throws { try adapted.loadCheckpoint(checkpoint) }

    /// Measures what the objective compares with, or takes it from the run's cache; the model is the one that training begins with.
    func compareWithStart(_ cache: ReferenceCache) throws {
        guard objective.comparesWithStart else { return }
        train = try cache.filled(train, "train", adapted.model, batch: settings.batch)
        validation = try cache.filled(validation, "validation", adapted.model, batch: settings.batch)
        test = try cache.filled(test, "test", adapted.model, batch: settings.batch)
    }
}

/// Lets the model answer a held-out prompt while it learns, always the same one.
struct SampleWriter {
    let chat: ChatEncoder
    let prompt: [Int32]
    let ends: [Int32]
    let count: Int

    func write(_ learner: Learner, step: Int) throws -> SampleRecord? {
        guard count > 0 else { return nil }
        let ids = try learner.write(after: prompt, count: count, .greedy, ends: ends)
        return SampleRecord(step: step, prompt: chat.tokenizer.decode(prompt), text: chat.tokenizer.decode(ids))
    }
}
