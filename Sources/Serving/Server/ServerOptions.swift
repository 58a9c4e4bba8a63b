import QuintetFiles
public import QuintetTensors

/// How a server is run; everything `quintet serve` can be told.
public struct ServerOptions: Sendable {
    public var host = "127.0.0.1"
    public var port = 8080
    /// A file of API keys; without one, only loopback is served and any key is fine.
    public var keyFile: String?
    /// Texts made at once for each model.
    public var parallel = 16
    /// Tokens of a prompt and its text together; nil for what the model was made for.
    public var context: Int?
    /// Bytes that the keys and values of one model may take; nil for a quarter of the memory.
    public var cacheBudget: Int?
    /// What keys and values are kept in; nil for f32 where a model's weights are stored in f32, else f16, as references of such models keep them.
    public var cacheType: CacheType?
    /// How products take their numbers; nil for what each model's file asks for.
    public var arithmetic: FrozenArithmetic?
    /// Adapters beside the weights of the first model that was named; requests choose among them.
    public var adapters: [ServedAdapter] = []
    /// Where keys and values of texts are kept when somebody asks for it; nil for nowhere.
    public var slotFolder: String?
    /// Requests that may wait for each model.
    public var queue = 64
    /// Tokens of all prompts that wait or run for each model.
    public var queuedPromptTokens = 1 << 20
    /// Seconds a request may wait, and seconds it may take in all.
    public var queueTimeout = 60.0
    public var requestTimeout = 600.0
    /// Seconds that running requests get once the server was asked to stop.
    public var grace = 30.0
    /// A folder whose models are served on demand.
    public var modelsFolder: String?
    /// Bytes that loaded models may take together; nil for no bound.
    public var memoryBudget: Int?
    /// Seconds after which a model that nobody uses is unloaded; nil for never.
    public var idleUnload: Double?
    /// PEM files; both or none.
    public var certificateFile: String?
    public var privateKeyFile: String?
    /// Web origins that may call, exactly as browsers send them.
    public var origins: [String] = []
    /// Host names that requests may carry besides the bound address and loopback.
    public var hostNames: [String] = []
    public var log = LogTarget.standardError
    public var connection = ConnectionLimits()

    public init() {}

    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// `scheme://host` or `scheme://host:port`, nothing behind it.
    private static func isOrigin(_ text: String) -> Bool {
        guard let mark = text.firstRange(of: "://"), mark.lowerBound != text.startIndex else { return false }
        let rest = text[mark.upperBound...]
        return !rest.isEmpty && rest.allSatisfy { $0.isASCII && !$0.isWhitespace && !"/?#*@".contains($0) }
    }

    /// - Throws: `ServerError` where the options contradict each other or would open the server to everybody.
    public func validate() throws(ServerError) {
        if !isLoopback, keyFile == nil {
            throw ServerError(
                "a server on \(host) can be reached by others and has no keys",
                hint: "give it --api-key-file, or bind it to 127.0.0.1")
        }
        if (certificateFile == nil) != (privateKeyFile == nil) {
            throw ServerError("TLS needs a certificate and its key", hint: "give both --tls-certificate and --tls-key")
        }
        if let slotFolder, !Folder.isFolder(slotFolder) { throw ServerError("\(slotFolder) is no folder to keep slots in") }
        if let wrong = origins.first(where: { !Self.isOrigin($0) }) {
            throw ServerError("\(wrong) is no origin that a browser sends", hint: "write it as https://app.example or http://localhost:3000, each exactly")
        }
        guard (0...65535).contains(port) else { throw ServerError("there is no port \(port)", hint: "choose one from 0 to 65535") }
    }
}

/// Where the server's log goes. It never holds prompts, texts or keys.
public enum LogTarget: Sendable, Equatable {
    case standardError, none
    /// Appended to this file.
    case file(String)
}

/// What a connection may cost.
public struct ConnectionLimits: Sendable {
    public var headerBytes = 32 * 1024
    public var headerFields = 100
    public var uriBytes = 8 * 1024
    public var bodyBytes = 4 * 1024 * 1024
    /// Seconds until a request's head has to be there.
    public var headSeconds: Int64 = 10
    /// Seconds after which a body has to come at `bodyRate` bytes a second.
    public var bodySeconds: Int64 = 5
    public var bodyRate = 1024
    /// Seconds a reader may leave a response unread.
    public var writeStallSeconds: Int64 = 30
    /// Seconds between a response and the next request.
    public var idleSeconds: Int64 = 60
    public var requestsPerConnection = 1000
    public var connectionsPerAddress = 100

    public init() {}
}

/// Why a server does not start.
public struct ServerError: Error, Sendable, Equatable, CustomStringConvertible {
    public let what: String
    public let hint: String?

    public init(_ what: String, hint: String? = nil) {
        self.what = what
        self.hint = hint
    }

    public var description: String { hint.map { "\(what) (\($0))" } ?? what }
}
