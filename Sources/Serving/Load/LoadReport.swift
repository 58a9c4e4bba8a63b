public import QuintetFiles
import QuintetReports

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a load test saw: rates, and how long its users waited.
public struct LoadReport: Sendable {
    public let seconds: Double
    public let outcomes: [String: Int]
    public let tokens: Int
    /// Why the first request failed that did.
    public let failure: String?
    /// Seconds, each list sorted.
    public let firstTokens: [Double], gaps: [Double], ends: [Double]

    init(_ samples: [LoadSample], seconds: Double) {
        self.seconds = seconds
        outcomes = samples.reduce(into: [:]) { $0[$1.outcome.rawValue, default: 0] += 1 }
        failure = samples.first { $0.outcome == .failed }?.reason
        tokens = samples.reduce(0) { $0 + $1.tokens }
        firstTokens = samples.compactMap(\.firstToken).sorted()
        gaps = samples.flatMap(\.gaps).sorted()
        ends = samples.filter { $0.outcome == .answered }.map(\.end).sorted()
    }

    public var tokensPerSecond: Double { Double(tokens) / max(seconds, 1e-9) }
    /// Whole answers a second.
    public var goodput: Double { Double(ends.count) / max(seconds, 1e-9) }

    public var json: JSON {
        func spread(_ list: [Double]) -> JSON {
            ["p50": .number(Quantile.of(list, 0.5)), "p90": .number(Quantile.of(list, 0.9)), "p99": .number(Quantile.of(list, 0.99))]
        }
        var counts = JSONObject()
        for name in outcomes.keys.sorted() { counts[name] = outcomes[name].map { JSON($0) } }
        return [
            "failure": failure.map { .string($0) } ?? .null, "seconds": .number(seconds), "requests": .object(counts), "generated_tokens": JSON(tokens),
            "tokens_per_second": .number(tokensPerSecond), "goodput_per_second": .number(goodput),
            "time_to_first_token_seconds": spread(firstTokens), "inter_token_seconds": spread(gaps), "end_to_end_seconds": spread(ends),
        ]
    }
}

func logarithm(_ x: Double) -> Double { log(x) }
