import QuintetCheckpoints
import QuintetCorpus
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetReports
import QuintetTensors
import QuintetTokenizers

/// Windows of token shards, cross-entropy of every token, a fresh decoder.
final class PretrainTrainee: Trainee {
    let plan: TrainingPlan
    let dataset: TokenDataset
    let tokenizer: Tokenizer
    let learner: Learner
    private var sampler: BatchSampler

    init(_ plan: TrainingPlan, _ dataset: TokenDataset, _ sampler: BatchSampler, _ tokenizer: Tokenizer) throws {
        self.plan = plan
        self.dataset = dataset
        self.tokenizer = tokenizer
        self.sampler = sampler
        learner = try Learner(
            plan.shape.spec(dropout: plan.settings.dropout), groups: plan.groups, seed: UInt64(bitPattern: Int64(plan.settings.seed)),
            matrixDType: plan.settings.bf16 ? .bf16 : .f32, recompute: plan.settings.recompute.recompute)
    }

    var cursor: JSON { sampler.state }

    func restore(_ cursor: JSON, source: String) throws { try sampler.restore(cursor, source: source) }

    func accumulate(step: Int) throws -> StepLoss {
        let rows = plan.batch * plan.sequence
        var total = 0.0
        for pass in 0..<plan.accumulation {
            let (inputs, targets) = sampler.next()
            total += learner.accumulate(
                Tensor(inputs, [rows]), Tensor(targets, [rows]), batch: plan.batch, tokensPerUpdate: plan.tokensPerStep,
                dropoutSeed: dropoutSeed(step, pass))
            try StopSignal.check()
        }
        try dataset.checkIntact()  // before an update made of a truncated shard's zeros
        return StepLoss(loss: total / Double(plan.tokensPerStep), tokens: plan.tokensPerStep)
    }

    /// Distinct for every pass of every step, and the same after a resume.
    private func dropoutSeed(_ step: Int, _ pass: Int) -> UInt64? {
        guard plan.settings.dropout > 0 else { return nil }
        let place = UInt64(step) &* UInt64(plan.accumulation) &+ UInt64(pass)
        return UInt64(bitPattern: Int64(plan.settings.seed)) ^ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15
    }

    /// The model's files and its tokenizer's.
    func write(into directory: AtomicDirectory, _ state: TrainerState) throws {
        try export(state).write(learner.weights, into: directory)
        for (name, text) in tokenizer.files { try directory.file(name) { try $0.write(text) } }
    }

    func loadWeights(_ checkpoint: String) throws {
        try learner.load(try ModelFolder.open(checkpoint).loadWeights(precision: .f32), source: checkpoint)
    }

    /// The lowest loss so far and which checkpoint has it.
    private func best(_ state: TrainerState) -> String? {
        guard let loss = state.bestLoss, let step = state.bestStep else { return nil }
        return "\(Number.short(loss, digits: 4))" + (step == state.step ? "" : ", of checkpoint \(step)")
    }

    private func export(_ state: TrainerState) throws -> ModelExport {
        let tokens = SpecialTokens(bos: tokenizer.bosID.map(Int.init), eos: [Int(dataset.endOfText)], pad: tokenizer.padID.map(Int.init))
        let facts: [(name: String, value: String)] = [
            ("Trained on", "\(grouped(state.tokens)) tokens, step \(grouped(state.step)) of \(grouped(plan.steps))"),
            ("Data", "sha256 \(dataset.fingerprint.prefix(16))"),
            ("Best validation loss", best(state) ?? "not measured"),
        ]
        return try ModelExport(
            learner.spec, family: Families.named(plan.shape.family.rawValue), tokens: tokens,
            card: ModelCard(
                title: "A \(plan.shape.family.rawValue) model of \(grouped(learner.store.parameterCount)) parameters",
                summary: "Pretrained from scratch with Quintet on raw text, without labels.", facts: facts))
    }
}
