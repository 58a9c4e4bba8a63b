import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetReports
import QuintetTensors
import QuintetGeneration
import QuintetTokenizers

/// Sizes of an adaptation, known before a number is read.
struct AdaptedSize {
    let trained: Int
    let frozenBytes: Int

    init(_ base: ModelFolder, _ settings: AdaptSettings, _ head: ScoreShape?) throws {
        let scores = head.map { $0.parameters(width: base.spec.width).reduce(0) { $0 + $1.count } } ?? 0
        switch settings.method {
        case .full: (trained, frozenBytes) = ((head == nil ? base.spec.parameterCount : base.spec.bodyParameters.reduce(0) { $0 + $1.count }) + scores, 0)
        case .head: (trained, frozenBytes) = (scores, base.weights.byteCount)
        case .lora, .dora, .qlora:
            let plan = try settings.adapterPlan(base, head)
            (trained, frozenBytes) = (plan.trainableCount + scores, base.weights.byteCount)
        }
    }
}

extension RunFacts {
    init(adapting input: AdaptInput, _ adapted: AdaptedModel, _ plan: AdaptPlan, _ run: String, _ settings: AdaptSettings) {
        let spec = input.base.spec
        let tokens = input.train.reduce(0) { $0 + $1.tokens }
        let length = max(1, tokens / max(input.train.reduce(0) { $0 + $1.texts.count }, 1))
        // Frozen weights have no gradient of their own: two thirds of the work.
        let passes: Double = settings.method == .full ? 3 : settings.method == .head ? 1 : 2
        self.init(
            run: run,
            headline: """
                \(adapted.summary)
                \(Number.grouped(plan.pace.steps)) steps of \(settings.batch * settings.accumulation) \(settings.packs ? "packed rows" : "samples"), \
                learning rate \(Number.significant(plan.rate)), \(settings.method.rawValue), \(input.entry.name)
                """,
            parameters: adapted.trainableCount, steps: plan.pace.steps, logEvery: 1, trainTokens: tokens, settings: settings.inUse(for: input.objective),
            model: [
                ("Base", Folder.name(of: Folder.resolved(input.base.path))), ("Family", input.base.family.name), ("Method", settings.method.rawValue),
                ("Objective", input.entry.name), ("Parameters", Number.grouped(adapted.totalCount)), ("In training", Number.grouped(adapted.trainableCount)),
                ("Layers", "\(spec.layers.count)"), ("Width", "\(spec.width)"), ("Learning rate", Number.significant(plan.rate)),
            ],
            data: [
                ("Format", input.data.format), ("Training samples", LengthStatistics(input.train).summary),
                ("Held out", input.validation.isEmpty ? "none" : LengthStatistics(input.validation).summary), ("Rows skipped", "\(input.skipped.count)"),
            ],
            fingerprints: input.data.files.map { ("SHA-256 of \($0.name)", String($0.sha256.prefix(16))) },
            flopsPerToken: passes * spec.forwardFlops(batch: 1, time: length) / Double(length))
    }
}

extension SampleWriter {
    /// Answers the first held-out prompt; nil for objectives that do not write.
    init?(_ input: AdaptInput) throws {
        guard input.objective.head == nil, let row = input.data.validation.first ?? input.data.train.first else { return nil }
        let chat = input.encoder.chat
        let given = (try? input.encoder.prompt(of: row.example)) ?? nil
        var prompt = given ?? []
        if prompt.isEmpty, case .text(let text) = row.example { prompt = Array(chat.tokenizer.encode(text).prefix(8)) }
        let room = input.base.spec.context
        prompt = Array(prompt.suffix(max(1, room - 48)))
        guard !prompt.isEmpty, prompt.count < room else { return nil }
        self.init(chat: chat, prompt: prompt, ends: input.encoder.ends, count: min(48, room - prompt.count))
    }
}
