import QuintetCheckpoints
import QuintetFiles

/// What a trainer trains: the weights, where the next batch comes from, what the loss is, and which files the result has.
///
/// Pretraining is one, every kind of adaptation is another; the trainer knows steps, checkpoints and observers and nothing else.
protocol Trainee: AnyObject {
    var learner: Learner { get }
    /// Where the data stands, in its own words.
    var cursor: JSON { get }
    func restore(_ cursor: JSON, source: String) throws
    /// Adds up the gradient of the batches of one step; `step` updates came before it.
    /// - Throws: `StopSignal` where one came before all passes were done: the gradient is a part and has to be discarded.
    func accumulate(step: Int) throws -> StepLoss
    /// How the model does on held-out data; nil where there is none.
    func evaluate(step: Int) throws -> EvaluationRecord?
    /// Something the model writes; nil where it writes nothing.
    func sample(step: Int) throws -> SampleRecord?
    /// Writes the model as it stands.
    func write(into directory: AtomicDirectory, _ state: TrainerState) throws
    /// Puts the weights back to those of a checkpoint; the optimizer is not its business.
    func loadWeights(_ checkpoint: String) throws
}

/// What the batches of one step gave.
struct StepLoss {
    /// Mean, as the objective defines it.
    var loss: Double
    /// Tokens read.
    var tokens: Int
    var scores: [Score] = []
}

/// How long a trainer goes on and what it does when.
struct Pace {
    var steps: Int
    var schedule: Schedule
    /// The peak that is reported.
    var learningRate: Double
    var clip: Double
    var evalEvery: Int
    var sampleEvery: Int
    var saveEvery: Int
    /// Evaluations without a better one after which the run ends; nil: never.
    var patience: Int?
    var weights = Weights.newest

    /// Which weights the run is about.
    enum Weights {
        /// The run folder itself always holds those of the newest checkpoint.
        case newest
        /// Every better evaluation is a checkpoint; what becomes of the best one is the caller's business.
        case best
    }
}
