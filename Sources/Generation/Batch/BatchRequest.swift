public import QuintetFiles

/// A text that is to be made together with others.
public struct BatchRequest: Sendable {
    public var prompt: [Int32]
    public var options: GenerationOptions
    /// Ids that end the text.
    public var ends: [Int]
    /// Where the text has to have a format: its beginning, from `TextGenerator.constraint`.
    public var constraint: ConstraintState?
    /// Added to the logits of these ids before anything is chosen.
    public var bias: [Int32: Float]
    /// How much of each of the model's adapters counts; empty for the model as it was opened.
    public var shares: [Float] = []
    /// The place in the cache that it would rather have.
    public var slot: Int?
    /// Beginnings are shared within a tenant only: nobody learns from timing what another one asked.
    public var tenant: String
    /// Not begun after this moment.
    public var startBy: ContinuousClock.Instant?
    /// Ended, with what is there, at this moment.
    public var deadline: ContinuousClock.Instant?

    public init(
        prompt: [Int32], options: GenerationOptions = GenerationOptions(), ends: [Int] = [], bias: [Int32: Float] = [:], tenant: String = "",
        startBy: ContinuousClock.Instant? = nil, deadline: ContinuousClock.Instant? = nil
    ) {
        self.prompt = prompt
        self.options = options
        self.ends = ends
        self.bias = bias
        self.tenant = tenant
        self.startBy = startBy
        self.deadline = deadline
    }
}

/// What becomes of a request, in this order: `started` once, `token` for each, then one of the others.
public enum BatchEvent: Sendable, Equatable {
    /// The prompt is being read; so many of its tokens were there already.
    case started(cachedTokens: Int)
    case token(BatchToken)
    case finished(FinishReason)
    case failed(BatchFailure)

    /// Whether nothing comes after it.
    public var isLast: Bool {
        switch self {
        case .started, .token: false
        case .finished, .failed: true
        }
    }
}

/// One new token.
public struct BatchToken: Sendable, Equatable {
    public let id: Int32
    /// The text it completes; empty while it is half a character or may begin a stop string.
    public let text: String
    /// How likely it was, and what else was; nil where nobody asked.
    public let logprobs: TokenLogprobs?
    /// When it was chosen: who follows the stream may hear of it later.
    public let moment: ContinuousClock.Instant
}

/// Why a request ended without its text.
public enum BatchFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The queue holds as much as it may.
    case full(waiting: Int)
    /// It waited longer than it was willing to.
    case waitedTooLong
    /// Its time was over while it was being made.
    case tookTooLong
    /// The one who asked is gone.
    case cancelled
    /// The engine was told to stop.
    case stopped
    case refused(OptionError)
    /// The model's file was cut short under it, or it computes no numbers: nothing it says can be trusted.
    case damaged(FileError)

    public var description: String {
        switch self {
        case .full(let waiting): "the queue is full: \(waiting) requests wait"
        case .waitedTooLong: "no place was free in time"
        case .tookTooLong: "the time for this request is over"
        case .cancelled: "the request was given up"
        case .stopped: "the engine stopped"
        case .refused(let error): error.description
        case .damaged(let error): error.description
        }
    }
}
