import QuintetCorpus
import QuintetFiles
import QuintetTensors

/// What a demo trains, so that it fits the time: a size by the minutes, a length by the measured speed.
struct DemoRecipe {
    let preset: Preset
    let vocabulary: Int
    private let seconds: Double
    /// Small steps, many of them: with a couple of million tokens the number of updates is what counts.
    private let batch = 8
    private let sequence = 256

    /// A bigger model where there is time for it and text enough that it does not learn it by heart.
    init(minutes: Double, textBytes: Int) {
        let all = Preset.all.filter { ["nano", "micro", "small"].contains($0.name) }
        let affordable = minutes < 20 || textBytes < 4_000_000 ? 1 : minutes < 240 || textBytes < 40_000_000 ? 2 : 3
        preset = all[min(affordable, all.count) - 1]
        // A token should occur often enough to be learned.
        vocabulary = max(300, min(preset.shape.vocabulary, textBytes / 500))
        seconds = max(1, minutes * 60)
    }

    /// The settings of the run; measures how fast this machine is for a second or two.
    func settings(_ tokens: TokenizeReport, prompt: String, secondsUsed: Double, seed: Int) throws -> TrainingConfig {
        let began = ContinuousClock.now
        var benchmark = TrainBenchmark(preset: preset, batch: batch, sequence: sequence, threads: Threads.count)
        benchmark.steps = 5
        benchmark.optimizer = .muon
        let speed = try benchmark.run().tokensPerSecond
        // A tenth of the time is for evaluations, samples, checkpoints and what comes after.
        let left = max(1, (seconds - secondsUsed - (ContinuousClock.now - began).seconds) * 0.9)
        let steps = max(20, Int(left * speed / Double(batch * sequence)))
        var config = TrainingConfig()
        config.preset = preset.name
        config.batch = batch
        config.sequence = sequence
        config.steps = steps
        config.seed = seed
        // Muon learned as much from 200 steps as AdamW from 600 (Docs/Log.md).
        config.optimizer = .muon
        config.matrixRate = 0.04
        config.learningRate = 6e-3
        // Rounded up, so that the last one falls on the last step or well before it.
        config.evalEvery = (steps + 5) / 6
        config.evalTokens = min(max(2048, tokens.validation.tokens), 65_536)
        config.sampleEvery = (steps + 2) / 3
        config.samplePrompt = prompt
        config.sampleTokens = 60
        config.sampleTemperature = 0.6
        config.saveEvery = (steps + 2) / 3
        config.logEvery = max(1, steps / 2000)
        return config
    }
}
