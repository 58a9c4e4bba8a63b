import ArgumentParser
import QuintetFiles
import QuintetReports
import QuintetServing

struct BenchServeCommand: AsyncCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Put a running server under load and see how long its users wait.",
        discussion: """
            Example:
              quintet bench serve http://127.0.0.1:8080 --clients 8 --requests 64 --json

            Works with any server that speaks OpenAI's /v1/completions. --clients keeps so many busy; --rate sends at random \
            moments instead, whatever the server does.
            """)

    @Argument(help: "The server, as http://HOST:PORT.") var url = "http://127.0.0.1:8080"
    @Option(help: "Clients that each send their next request when the last is answered.") var clients = 4
    @Option(help: "Requests a second at random moments, in place of --clients.") var rate: Double?
    @Option(help: "Requests in all.") var requests = 64
    @Option(help: "Words of a prompt.") var promptWords = 96
    @Option(help: "Words that all prompts begin with.") var sharedWords = 0
    @Option(help: "Tokens of an answer.") var generate = 64
    @Option(help: "Share of the requests that are given up in the middle.") var cancelShare = 0.0
    @Option(help: "Milliseconds that readers sleep between reads.") var readerDelay = 0
    @Option(help: "Another seed gives other prompts, none of which the server has seen.") var seed: UInt64 = 1
    @Option(help: "The model to ask for.") var model: String?
    @Option(help: "The API key.") var apiKey: String?
    @Option(help: "Write a page with charts to this file.") var html: String?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        for (name, value, range) in [
            ("clients", clients, 1...4096), ("requests", requests, 1...10_000_000), ("prompt-words", promptWords, 1...1_000_000),
            ("shared-words", sharedWords, 0...1_000_000), ("generate", generate, 1...1_000_000), ("reader-delay", readerDelay, 0...60_000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name): expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        if let rate, !(0.001...100_000).contains(rate) { throw ValidationError("--rate: expected 0.001 to 100000 requests a second, found \(rate)") }
        if !(0...1).contains(cancelShare) { throw ValidationError("--cancel-share: expected 0 to 1, found \(cancelShare)") }
    }

    func work() async throws {
        let report = await LoadTest.run(try options())
        if let html { try AtomicFile.write(html, report.html(title: "Load on \(url)")) }
        if json { print(report.json.serialized()) } else { tell(report) }
        guard let failure = report.failure else { return }
        warn("a request failed: \(failure)")
        throw ExitCode.failure
    }

    private func tell(_ report: LoadReport) {
        func spread(_ list: [Double]) -> String {
            [0.5, 0.9, 0.99].map { "\((Quantile.of(list, $0) * 1000).rounded() / 1000)" }.joined(separator: " / ")
        }
        print("\(report.outcomes.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")) in \((report.seconds * 100).rounded() / 100) s")
        print("\((report.tokensPerSecond * 10).rounded() / 10) tokens/s, \((report.goodput * 100).rounded() / 100) answers/s")
        print("seconds, p50 / p90 / p99: first token \(spread(report.firstTokens)), between tokens \(spread(report.gaps)), whole answer \(spread(report.ends))")
    }

    private func options() throws -> LoadOptions {
        var options = LoadOptions()
        if let mark = url.firstRange(of: "://"), !url.hasPrefix("http://") { throw ValidationError("expected http://HOST:PORT, found \(url[..<mark.upperBound])...") }
        let address = url.hasPrefix("http://") ? String(url.dropFirst(7)) : url
        let parts = address.split(separator: "/").first.map { $0.split(separator: ":") } ?? []
        guard let host = parts.first, parts.count < 3, let port = parts.count == 2 ? Int(parts[1]) : 80 else {
            throw ValidationError("expected http://HOST:PORT, found \(url)")
        }
        options.host = String(host)
        options.port = port
        options.key = apiKey
        options.model = model
        options.arrival = rate.map { .open(perSecond: $0) } ?? .closed(clients: clients)
        options.requests = requests
        options.promptWords = promptWords
        options.sharedWords = sharedWords
        options.newTokens = generate
        options.cancelShare = cancelShare
        options.seed = seed
        options.readerDelay = readerDelay
        return options
    }
}
