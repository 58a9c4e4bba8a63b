import HTTPTypes
import QuintetGeneration
import Synchronization

/// The server's figures, in the names that vLLM's dashboards read, as text for Prometheus.
final class ServeMetrics: Sendable {
    /// Bounds in seconds, as vLLM has them.
    private static let latencyBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80]
    private static let tokenBounds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]

    private struct Histogram {
        let bounds: [Double]
        var counts: [Int]
        var sum = 0.0
        var count = 0

        init(_ bounds: [Double]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count)
        }

        mutating func observe(_ value: Double) {
            for index in bounds.indices where value <= bounds[index] { counts[index] += 1 }
            sum += value
            count += 1
        }

        func lines(_ name: String, _ label: String) -> String {
            var text = ""
            for (bound, count) in zip(bounds, counts) { text += "\(name)_bucket{\(label),le=\"\(bound)\"} \(count)\n" }
            return text + "\(name)_bucket{\(label),le=\"+Inf\"} \(count)\n\(name)_sum{\(label)} \(sum)\n\(name)_count{\(label)} \(count)\n"
        }
    }

    private struct PerModel {
        var firstToken = Histogram(ServeMetrics.latencyBounds)
        var betweenTokens = Histogram(ServeMetrics.tokenBounds)
        var endToEnd = Histogram(ServeMetrics.latencyBounds)
        var successes: [String: Int] = [:]
    }

    private struct State: ~Copyable {
        var models: [String: PerModel] = [:]
        var rejections: [String: Int] = [:]
        var disconnects = 0
    }
    private let state = Mutex(State())

    /// Follows one request.
    func watch(_ model: String) -> Watch { Watch(self, model) }

    func rejected(_ error: APIError) {
        let reason = error.code ?? "\(error.status.code)"
        state.withLock { $0.rejections[reason, default: 0] += 1 }
    }

    func disconnected() { state.withLock { $0.disconnects += 1 } }

    /// One request's clock.
    final class Watch: Sendable {
        private let metrics: ServeMetrics
        private let model: String
        private let start = ContinuousClock.now
        private let last = Mutex<ContinuousClock.Instant?>(nil)

        init(_ metrics: ServeMetrics, _ model: String) {
            self.metrics = metrics
            self.model = model
        }

        func token(_ now: ContinuousClock.Instant) {
            let before = last.withLock { last in
                defer { last = now }
                return last
            }
            metrics.update(model) { figures in
                if let before {
                    figures.betweenTokens.observe((now - before) / .seconds(1))
                } else {
                    figures.firstToken.observe((now - start) / .seconds(1))
                }
            }
        }

        func finish(reason: FinishReason?) {
            metrics.update(model) { figures in
                figures.endToEnd.observe((ContinuousClock.now - start) / .seconds(1))
                figures.successes[reason?.rawValue ?? "unknown", default: 0] += 1
            }
        }
    }

    private func update(_ model: String, _ change: (inout PerModel) -> Void) {
        state.withLock { change(&$0.models[model, default: PerModel()]) }
    }

    /// The text format of Prometheus, version 0.0.4.
    func exposition(_ server: ServerState) -> String {
        var text = ""
        func metric(_ name: String, _ type: String, _ help: String, _ lines: [(labels: String, value: String)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            for line in lines { text += "\(name)\(line.labels.isEmpty ? "" : "{\(line.labels)}") \(line.value)\n" }
        }
        let models = server.pool.loaded.map { (label: "model_name=\"\(Self.escaped($0.name))\"", counts: $0.client.counts) }
        func gauge(_ name: String, _ type: String, _ help: String, _ value: (BatchCounts) -> String) {
            metric(name, type, help, models.map { ($0.label, value($0.counts)) })
        }
        gauge("vllm:num_requests_running", "gauge", "Texts being made.") { "\($0.running)" }
        gauge("vllm:num_requests_waiting", "gauge", "Requests in the queue.") { "\($0.waiting)" }
        gauge("vllm:kv_cache_usage_perc", "gauge", "Share of the cache's pages in use, from 0 to 1.") { "\($0.cacheUse)" }
        gauge("vllm:prefix_cache_queries_total", "counter", "Prompt tokens looked up among known beginnings.") { "\($0.prefixQueries)" }
        gauge("vllm:prefix_cache_hits_total", "counter", "Prompt tokens found there.") { "\($0.prefixHits)" }
        gauge("vllm:num_preemptions_total", "counter", "Texts sent back to the queue for want of pages.") { "\($0.preemptions)" }
        gauge("vllm:prompt_tokens_total", "counter", "Prompt tokens read.") { "\($0.promptTokens)" }
        gauge("vllm:generation_tokens_total", "counter", "Tokens made.") { "\($0.newTokens)" }
        let (perModel, rejections, disconnects) = state.withLock { ($0.models, $0.rejections, $0.disconnects) }
        func histogram(_ name: String, _ help: String, _ pick: (PerModel) -> Histogram) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
            for model in perModel.keys.sorted() {
                if let figures = perModel[model] { text += pick(figures).lines(name, "model_name=\"\(Self.escaped(model))\"") }
            }
        }
        histogram("vllm:time_to_first_token_seconds", "Seconds until the first token.") { $0.firstToken }
        histogram("vllm:inter_token_latency_seconds", "Seconds between tokens.") { $0.betweenTokens }
        histogram("vllm:e2e_request_latency_seconds", "Seconds for a whole request.") { $0.endToEnd }
        metric(
            "vllm:request_success_total", "counter", "Requests answered.",
            perModel.keys.sorted().flatMap { model in
                (perModel[model]?.successes ?? [:]).sorted { $0.key < $1.key }.map {
                    ("model_name=\"\(Self.escaped(model))\",finished_reason=\"\($0.key)\"", "\($0.value)")
                }
            })
        metric("quintet:requests_rejected_total", "counter", "Requests refused.", rejections.sorted { $0.key < $1.key }.map { ("reason=\"\(Self.escaped($0.key))\"", "\($0.value)") })
        metric("quintet:client_disconnects_total", "counter", "Clients that left before their text was whole.", [("", "\(disconnects)")])
        metric("quintet:connections", "gauge", "Open connections.", [("", "\(server.connections.count)")])
        return text
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "\"" ? "\\\"" : $1 == "\\" ? "\\\\" : $1.isNewline ? "\\n" : String($1) }
    }
}
