/// How a server is put under load.
public struct LoadOptions: Sendable {
    public var host = "127.0.0.1"
    public var port = 8080
    public var key: String?
    public var model: String?
    public var arrival = Arrival.closed(clients: 4)
    /// Requests in all.
    public var requests = 64
    /// Words of a prompt and tokens of an answer.
    public var promptWords = 96
    public var newTokens = 64
    /// Share of the requests that are given up in the middle, from 0 to 1.
    public var cancelShare = 0.0
    /// Milliseconds that a slow reader sleeps between reads; 0 for none.
    public var readerDelay = 0
    /// A prompt all requests begin with, in words: what prefix sharing is measured with.
    public var sharedWords = 0
    public var seed: UInt64 = 1

    /// When requests are sent.
    public enum Arrival: Sendable, Equatable {
        /// Each client sends its next one when the last is answered.
        case closed(clients: Int)
        /// At random moments, so many a second on average, whatever the server does (Poisson): no coordinated omission.
        case open(perSecond: Double)
    }

    public init() {}
}
