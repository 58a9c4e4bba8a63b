public import QuintetFiles
import QuintetTensors

/// What one optimizer step did.
public struct StepRecord: Sendable, Equatable {
    /// Updates done, this one included.
    public var step: Int
    /// Mean over the step's tokens, nats.
    public var loss: Double
    public var learningRate: Double
    /// Before clipping.
    public var gradientNorm: Double
    /// Learned from since the start of the run.
    public var tokens: Int
    /// This step's own.
    public var tokensPerSecond: Double
    /// Of training behind this step, over all sessions.
    public var seconds: Double
    /// Share of the machine's multiply-add peak.
    public var utilization: Double
    /// False where the gradient was not finite and nothing moved.
    public var applied: Bool
    public var scores: [Score] = []
}

/// How the model does on held-out text.
public struct EvaluationRecord: Sendable, Equatable {
    public var step: Int
    /// Mean over tokens, nats; of an adaptation, the mean that its objective defines.
    public var loss: Double
    /// Of texts alone.
    public var perplexity: Double?
    /// Of the text behind the tokens, so that tokenizers can be compared; nil where the loss is not that of a text.
    public var bitsPerByte: Double?
    public var tokens: Int
    public var scores: [Score] = []
}

/// What the model wrote at a step.
public struct SampleRecord: Sendable, Equatable {
    public var step: Int
    public var prompt: String
    public var text: String
}

/// Watches a run: the progress line, the metrics file, the report.
public protocol TrainingObserver: AnyObject {
    /// Before the first step of this session; `resumed` is the step it goes on from.
    func started(_ facts: RunFacts, resumed: Int?) throws
    func stepped(_ record: StepRecord) throws
    func evaluated(_ record: EvaluationRecord) throws
    func sampled(_ record: SampleRecord) throws
    /// Something a person should read: a spike, a skipped step, a full disk.
    func noted(step: Int, _ text: String) throws
    /// A checkpoint is whole on disk: what was written up to here must survive as well.
    func saved(step: Int) throws
    /// The session is over; no checkpoint follows.
    func finished(_ outcome: PretrainOutcome) throws
}

extension TrainingObserver {
    public func started(_ facts: RunFacts, resumed: Int?) throws {}
    public func stepped(_ record: StepRecord) throws {}
    public func evaluated(_ record: EvaluationRecord) throws {}
    public func sampled(_ record: SampleRecord) throws {}
    public func noted(step: Int, _ text: String) throws {}
    public func saved(step: Int) throws {}
    public func finished(_ outcome: PretrainOutcome) throws {}
}

/// What is known about a run before its first step.
public struct RunFacts: Sendable {
    public var run: String
    /// One line for the person in front of the screen.
    public var headline: String
    public var parameters: Int
    public var steps: Int
    /// Steps between two rows of the log.
    public var logEvery: Int
    /// Tokens that one time through the training data has.
    public var trainTokens: Int
    public var settings: JSONObject
    /// Tables for the report: what is trained, on what, and the hashes of that.
    public var model: [(String, String)]
    public var data: [(String, String)]
    public var fingerprints: [(String, String)]
    /// Floating-point operations that learning from one token takes.
    public var flopsPerToken: Double
    /// The machine's measured multiply-add peak with these threads, GFLOP/s.
    public var peakGflops = MachineLimit.fmaGflops(threads: Threads.count)
    public var threads = Threads.count
    public var instructionSet = InstructionSet.name
}

/// A figure beside the loss, under the name it has in logs: `rewards/accuracies`, `accuracy`.
public struct Score: Sendable, Equatable {
    public var name: String
    public var value: Double

    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// How a session ended.
public struct PretrainOutcome: Sendable, Equatable {
    public enum End: Sendable, Equatable {
        case finished
        /// The run was already done when it was opened.
        case alreadyFinished
        /// Ctrl-C or SIGTERM; everything is saved.
        case interrupted(StopSignal)
    }
    public var end: End
    public var step: Int
    public var lastLoss: Double?
    public var evaluation: EvaluationRecord?
}
