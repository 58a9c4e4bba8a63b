import CoreMetrics
import HTTPTypes
import QuintetFiles
import QuintetGeneration

/// The server's figures, in the names that vLLM's dashboards read, reported through swift-metrics.
final class ServeMetrics: Sendable {
    let registry = PrometheusRegistry(families)

    /// Bounds in seconds, as vLLM has them.
    private static let latencyBounds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80]
    private static let tokenBounds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
    private static let families: [String: PrometheusRegistry.Family] = [
        "vllm:num_requests_running": .init(help: "Texts being made."),
        "vllm:num_requests_waiting": .init(help: "Requests in the queue."),
        "vllm:kv_cache_usage_perc": .init(help: "Share of the cache's pages in use, from 0 to 1."),
        "vllm:prefix_cache_queries_total": .init(help: "Prompt tokens looked up among known beginnings."),
        "vllm:prefix_cache_hits_total": .init(help: "Prompt tokens found there."),
        "vllm:num_preemptions_total": .init(help: "Texts sent back to the queue for want of pages."),
        "vllm:prompt_tokens_total": .init(help: "Prompt tokens read."),
        "vllm:generation_tokens_total": .init(help: "Tokens made."),
        "vllm:time_to_first_token_seconds": .init(help: "Seconds until the first token.", bounds: latencyBounds),
        "vllm:inter_token_latency_seconds": .init(help: "Seconds between tokens.", bounds: tokenBounds),
        "vllm:e2e_request_latency_seconds": .init(help: "Seconds for a whole request.", bounds: latencyBounds),
        "vllm:request_success_total": .init(help: "Requests answered."),
        "quintet:requests_rejected_total": .init(help: "Requests refused."),
        "quintet:client_disconnects_total": .init(help: "Clients that left before their text was whole."),
        "quintet:connections": .init(help: "Open connections."),
    ]

    /// The figures of one model.
    fileprivate final class ModelFigures: Sendable {
        /// Handlers, without what swift-metrics puts before them for numbers of any type: they hear of every token.
        let firstToken: any RecorderHandler, betweenTokens: any RecorderHandler, endToEnd: any RecorderHandler
        let running: Meter, waiting: Meter, cacheUse: Meter
        let totals: [Counter]
        /// What the engine had counted when it was last looked at; a model that is loaded anew begins from 0.
        private let seen = Guarded<BatchCounts?>(nil)
        private let model: String
        private let registry: PrometheusRegistry

        static let totals: [(name: String, value: @Sendable (BatchCounts) -> Int)] = [
            ("prefix_cache_queries_total", { $0.prefixQueries }), ("prefix_cache_hits_total", { $0.prefixHits }),
            ("num_preemptions_total", { $0.preemptions }), ("prompt_tokens_total", { $0.promptTokens }), ("generation_tokens_total", { $0.newTokens }),
        ]

        init(_ model: String, _ registry: PrometheusRegistry) {
            let dimensions = [("model_name", model)]
            func recorder(_ name: String) -> any RecorderHandler { registry.makeRecorder(label: "vllm:\(name)", dimensions: dimensions, aggregate: true) }
            func meter(_ name: String) -> Meter { Meter(label: "vllm:\(name)", dimensions: dimensions, factory: registry) }
            (firstToken, betweenTokens) = (recorder("time_to_first_token_seconds"), recorder("inter_token_latency_seconds"))
            endToEnd = recorder("e2e_request_latency_seconds")
            (running, waiting, cacheUse) = (meter("num_requests_running"), meter("num_requests_waiting"), meter("kv_cache_usage_perc"))
            totals = Self.totals.map { Counter(label: "vllm:\($0.name)", dimensions: dimensions, factory: registry) }
            self.model = model
            self.registry = registry
        }

        func take(_ counts: BatchCounts) {
            running.set(counts.running)
            waiting.set(counts.waiting)
            cacheUse.set(counts.cacheUse)
            let before = seen.withLock { seen -> BatchCounts? in
                defer { seen = counts }
                return seen.flatMap { counts.requests < $0.requests || counts.steps < $0.steps ? nil : $0 }
            }
            for (counter, total) in zip(totals, Self.totals) { counter.increment(by: max(total.value(counts) - (before.map(total.value) ?? 0), 0)) }
        }

        func finished(_ reason: String) {
            Counter(label: "vllm:request_success_total", dimensions: [("model_name", model), ("finished_reason", reason)], factory: registry).increment()
        }
    }

    private let models = Guarded<[String: ModelFigures]>([:])
    private let disconnects: Counter
    private let connections: Meter

    init() {
        disconnects = Counter(label: "quintet:client_disconnects_total", factory: registry)
        connections = Meter(label: "quintet:connections", factory: registry)
    }

    private func figures(_ model: String) -> ModelFigures {
        models.withLock { models in
            if let known = models[model] { return known }
            let new = ModelFigures(model, registry)
            models[model] = new
            return new
        }
    }

    /// Follows one request.
    func watch(_ model: String, since start: ContinuousClock.Instant) -> Watch { Watch(figures(model), start) }

    func rejected(_ error: APIError) {
        Counter(label: "quintet:requests_rejected_total", dimensions: [("reason", error.code ?? "\(error.status.code)")], factory: registry).increment()
    }

    func disconnected() { disconnects.increment() }

    /// One request's clock.
    final class Watch: Sendable {
        private let figures: ModelFigures
        private let start: ContinuousClock.Instant
        private let last = Guarded<ContinuousClock.Instant?>(nil)

        fileprivate init(_ figures: ModelFigures, _ start: ContinuousClock.Instant) {
            self.figures = figures
            self.start = start
        }

        func token(_ now: ContinuousClock.Instant) {
            let before = last.withLock { last in
                defer { last = now }
                return last
            }
            if let before {
                figures.betweenTokens.record((now - before) / .seconds(1))
            } else {
                figures.firstToken.record((now - start) / .seconds(1))
            }
        }

        func finish(reason: FinishReason?) {
            figures.endToEnd.record((ContinuousClock.now - start) / .seconds(1))
            figures.finished(reason?.rawValue ?? "unknown")
        }
    }

    /// Everything as text for Prometheus; what the engines count is looked at now.
    func exposition(_ server: ServerState) -> String {
        let loaded = server.pool.loaded
        for model in loaded { figures(model.name).take(model.client.counts) }
        for (name, figures) in models.withLock({ $0 }) where !loaded.contains(where: { $0.name == name }) {
            for meter in [figures.running, figures.waiting, figures.cacheUse] { meter.set(0) }
        }
        connections.set(server.connections.count)
        return registry.exposition
    }
}
