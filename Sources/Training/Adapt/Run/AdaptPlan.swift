import QuintetFiles
import QuintetReports
import QuintetLayers
import QuintetModels

/// How long an adaptation runs and how fast it learns, with every gap filled.
struct AdaptPlan {
    let pace: Pace
    let rate: Double
    let groups: OptimizerGroups
    /// Tokens of the longest batch.
    let longestBatch: Int

    init(_ settings: AdaptSettings, _ input: AdaptInput, places: Int, parameters: Int) {
        let isPreference = input.objective.comparesWithStart
        rate = settings.learningRate ?? LearningRate.standard(settings.method, parameters: parameters, width: input.base.spec.width, isPreference: isPreference)
        let perStep = settings.batch * settings.accumulation
        let perEpoch = max(1, (places + perStep - 1) / perStep)
        let steps = settings.steps ?? max(1, Int((settings.epochs ?? 3) * Double(perEpoch)))
        let evalEvery = settings.evalEvery ?? max(1, steps / 10)
        pace = Pace(
            steps: steps, schedule: Schedule(settings.schedule, steps: steps, warmup: Int(settings.warmupRatio * Double(steps)), floor: 0),
            learningRate: rate, clip: settings.clip, evalEvery: evalEvery, sampleEvery: max(1, steps / 5),
            saveEvery: settings.saveEvery ?? max(1, steps / 5), patience: settings.patience == 0 ? nil : settings.patience, weights: .best)
        func group(_ rate: Double, decay: Double) -> OptimizerGroup {
            OptimizerGroup(kind: .adamw, learningRate: rate, weightDecay: decay, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, momentum: 0)
        }
        // A fresh layer over weights that move slowly would hardly leave its start.
        let headRate = input.objective.head == nil || settings.learningRate != nil ? rate : max(rate, LearningRate.head(width: input.base.spec.width))
        groups = OptimizerGroups(
            matrices: group(rate, decay: settings.weightDecay), embedding: group(rate, decay: settings.weightDecay),
            head: group(headRate, decay: settings.weightDecay), scalars: group(rate, decay: 0))
        // A batch beyond the data has all of it, several times.
        let sizes = input.train.map(\.tokens).sorted()
        let longest = sizes.suffix(settings.batch % sizes.count).reduce(0, +) + settings.batch / sizes.count * sizes.reduce(0, +)
        longestBatch = settings.packs ? settings.batch * input.encoder.limit : longest
    }
}
