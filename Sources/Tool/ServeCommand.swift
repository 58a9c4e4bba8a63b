import ArgumentParser
import QuintetServing
import QuintetTensors

struct ServeCommand: AsyncCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve models over HTTP: the routes that OpenAI's, Anthropic's and llama-server's clients speak, and a chat page.",
        discussion: """
            Example:
              quintet serve ./stories --port 8080
              curl http://127.0.0.1:8080/v1/completions --json '{"prompt":"Once upon a time","max_tokens":50}'

            Many users share a model: their texts are made side by side, and each is the one it would be alone. SIGTERM lets \
            running requests finish. Without --api-key-file only this machine is served.
            """)

    @Argument(help: "Model folders or .gguf files.") var models: [String] = []
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0 for any free one.") var port = 8080
    @Option(help: "A file with an API key a line, each with a name and a number of requests at once if you like.") var apiKeyFile: String?
    @Option(help: "Texts made at once for each model.") var parallel = 16
    @Option(help: "Tokens of a prompt and its text together (default: what the model was made for, as far as memory reaches).") var context: Int?
    @Option(help: "What the cache holds: f32, f16 or q8_0 (default: f32 for weights in f32, else f16).", transform: cacheType(_:)) var cacheType: CacheType?
    @Option(help: "What products round activations to: f32 (nothing), bf16 (with weights in bf16), stored (the type of the weights, as llama.cpp does); default: f32 for a folder, stored for a GGUF file.", transform: arithmetic(_:))
    var arithmetic: FrozenArithmetic?
    @Option(help: "Megabytes of keys and values for each model (default: a quarter of the memory; with --memory-budget what the model or one text takes).") var cacheBudget: Int?
    @Option(help: "Requests that may wait for each model.") var queue = 64
    @Option(help: "Seconds a request may wait for a place.") var queueTimeout = 60.0
    @Option(help: "Seconds a request may take.") var requestTimeout = 600.0
    @Option(help: "Seconds that running requests get after SIGTERM.") var grace = 30.0
    @Option(name: [.customLong("adapter"), .customLong("lora")], help: ArgumentHelp("An adapter that requests may choose as their model, beside the first model's weights; may be given several times. PATH=WEIGHT counts for who chooses nothing.", valueName: "name=path"))
    var lora: [String] = []
    @Option(help: "A folder where /slots/ID?action=save keeps keys and values of texts.") var slotSavePath: String?
    @Option(help: "A folder of models that are loaded when somebody asks for them.") var modelsDir: String?
    @Option(help: "Megabytes that loaded models may take with their keys and values; the least used goes first.") var memoryBudget: Int?
    @Option(help: "Seconds after which a model that nobody uses is unloaded.") var idleTimeout: Double?
    @Option(help: "A PEM file with the certificate chain.") var tlsCertificate: String?
    @Option(help: "A PEM file with the certificate's key.") var tlsKey: String?
    @Option(help: "A web origin that may call, exactly; may be given several times.") var corsOrigin: [String] = []
    @Option(help: "A host name that requests may carry besides localhost; may be given several times.") var hostName: [String] = []
    @Option(help: "A file for the log, in place of standard error: JSON lines without anything that people wrote.") var log: String?
    @Option(help: "Threads to compute with.") var threads: Int?

    func validate() throws {
        for (name, value, range) in [
            ("parallel", parallel, 1...1024), ("queue", queue, 1...100_000), ("context", context ?? 1, 1...(1 << 20)), ("port", port, 0...65535),
            ("cache-budget", cacheBudget ?? 1, 1...(1 << 40)), ("memory-budget", memoryBudget ?? 1, 1...(1 << 40)),
        ] where !range.contains(value) {
            throw ValidationError("--\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        for (name, value) in [("queue-timeout", queueTimeout), ("request-timeout", requestTimeout), ("grace", grace), ("idle-timeout", idleTimeout ?? 1)]
        where !(0...1e9).contains(value) { throw ValidationError("--\(name): expected 0 or more seconds, found \(value)") }
    }

    func work() async throws {
        try useThreads(threads)
        let scheme = tlsCertificate == nil ? "http" : "https"
        let server = try Server(models, options())
        server.adoptProcess()
        try await server.run(handlingSignals: true) { port in emit("\(scheme)://\(host):\(port)\n") }
    }

    private func options() -> ServerOptions {
        var options = ServerOptions()
        options.host = host
        options.port = port
        options.keyFile = apiKeyFile
        options.parallel = parallel
        options.context = context
        options.cacheType = cacheType
        options.arithmetic = arithmetic
        options.cacheBudget = cacheBudget.map { $0 << 20 }
        options.queue = queue
        options.queueTimeout = queueTimeout
        options.requestTimeout = requestTimeout
        options.grace = grace
        options.adapters = lora.map { ServedAdapter(parsing: $0) }
        options.slotFolder = slotSavePath
        options.modelsFolder = modelsDir
        options.memoryBudget = memoryBudget.map { $0 << 20 }
        options.idleUnload = idleTimeout
        options.certificateFile = tlsCertificate
        options.privateKeyFile = tlsKey
        options.origins = corsOrigin
        options.hostNames = hostName
        if let log { options.log = .file(log) }
        return options
    }
}
