import HTTPTypes
import QuintetFiles
import QuintetGeneration

/// The texts that answer one request: one for each choice, made side by side.
///
/// The first event of each is awaited before anything is answered, so a request that cannot begin is refused with a status of its own.
struct Making: Sendable {
    let model: ServedModel
    /// Tokens of the prompts, each counted once.
    let promptTokens: Int
    private let choices: [BatchText]
    /// What becomes of them.
    let inbox: Inbox
    /// What each will be, so far.
    let texts: [MadeText]
    /// When the first was handed in.
    let start = ContinuousClock.now

    /// Queues the requests.
    /// - Throws: `APIError` where the queue is full or a request cannot be.
    init(_ model: ServedModel, _ requests: [BatchRequest], _ style: ReplyStyle = ReplyStyle()) throws(APIError) {
        self.model = model
        var prompts: [[Int32]] = []
        for request in requests where prompts.last != request.prompt { prompts.append(request.prompt) }
        promptTokens = prompts.reduce(0) { $0 + $1.count }
        texts = requests.map { MadeText(style, stops: $0.options.stops, ends: $0.ends) }
        let inbox = Inbox(choices: requests.count)
        var choices: [BatchText] = []
        for (index, request) in requests.enumerated() {
            do { choices.append(try model.client.submit(request) { inbox.put(index, $0) }) } catch {
                for choice in choices { choice.cancel() }
                throw APIError(error)
            }
        }
        self.choices = choices
        self.inbox = inbox
    }

    func cancel() { for choice in choices { choice.cancel() } }
}

extension APIError {
    /// What a client is told when the engine could not make its text.
    init(_ failure: BatchFailure) {
        switch failure {
        case .full: self = .overloaded("The queue is full.")
        case .waitedTooLong:
            self = APIError(.serviceUnavailable, "service_unavailable", "No place was free in time.", code: "queue_timeout", retryAfter: 2)
        case .tookTooLong:
            self = APIError(.gatewayTimeout, "server_error", "The request took longer than it may.", code: "request_timeout")
        case .cancelled:
            // As nginx has it: the client left, nothing went wrong here.
            self = APIError(.init(code: 499, reasonPhrase: "Client Closed Request"), "invalid_request_error", "The request was given up.", code: "cancelled")
        case .stopped:
            self = APIError(.serviceUnavailable, "service_unavailable", "The model was unloaded or the server is shutting down.", code: "stopped", retryAfter: 2)
        case .damaged(let error):
            self = APIError(.internalServerError, "server_error", "\(error)", code: "model_damaged")
        case .refused(let error):
            self = .invalid("\(error)", param: error.option)
        }
    }
}
