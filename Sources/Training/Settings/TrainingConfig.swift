/// Every knob of a pretraining run. Nil means: from the preset, or from the other settings.
///
/// Settings come from the defaults here, then `run.yaml`, then the command line; `plan(vocabulary:)` checks them
/// together and fills every gap. The names in files are those of Hugging Face's trainer, or nanochat's where it has
/// none; `Setting.all` lists them.
public struct TrainingConfig: Sendable, Equatable {
    // The model
    public var preset: String?
    public var depth: Int?
    /// Sizes that replace the preset's, under their `ModelShape` names.
    public var layers: Int?
    public var width: Int?
    public var heads: Int?
    public var kvHeads: Int?
    public var feedForward: Int?
    public var context: Int?
    public var dropout = 0.0

    // Rows, tokens, length of the run
    public var batch: Int?
    public var sequence: Int?
    public var accumulation: Int?
    /// Tokens in one optimizer step; sets `accumulation`.
    public var totalBatch: Int?
    public var steps: Int?
    public var tokens: Int?
    public var tokensPerParameter: Double?

    // The learning rate
    public var learningRate: Double?
    public var schedule: Schedule.Kind = .cosine
    public var warmupSteps: Int?
    public var warmupRatio: Double?
    public var warmdownRatio = 0.2
    public var finalFraction = 0.1

    // The optimizer
    public var optimizer: OptimizerKind = .adamw
    public var matrixRate: Double?
    public var embeddingRate: Double?
    public var headRate: Double?
    public var scalarRate: Double?
    public var beta1 = 0.9
    public var beta2 = 0.95
    public var epsilon = 1e-8
    public var momentum = 0.95
    public var weightDecay = 0.1
    public var clip = 1.0

    // How it is computed
    public var bf16 = false
    public var recompute: RecomputeLevel = .none
    public var seed = 42

    // What is written, and when
    public var logEvery = 1
    public var evalEvery: Int?
    public var evalTokens: Int?
    public var sampleEvery: Int?
    public var samplePrompt = ""
    public var sampleTokens = 64
    public var sampleTemperature = 0.8
    public var saveEvery: Int?
    public var keepLast = 2

    // When it goes wrong
    public var maxSkipped = 5
    public var maxRollbacks = 3

    public init() {}
}

/// Which rule updates the hidden matrices; everything else is AdamW's.
public enum OptimizerKind: String, Sendable, CaseIterable {
    case adamw
    /// Momentum orthogonalized by Newton-Schulz steps (Jordan 2024).
    case muon
}

/// What the backward pass computes again instead of keeping; raw values stand in settings.
public enum RecomputeLevel: String, Sendable, CaseIterable {
    case none
    /// Activation functions' outputs.
    case activations
    /// Everything inside a block.
    case block
}
