public import QuintetFiles
import QuintetLayers
public import QuintetModels
import QuintetTensors
import QuintetTokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The same prompts through two models, or two exports of one: how far apart their distributions are, position by position.
///
/// ```swift
/// let result = try ModelComparison(ModelFolder.open("./llama"), ModelFolder.open("llama-q8.gguf"), text: "Once upon a time")
/// result.meanDivergence      // KL(first || second) in nats, averaged over positions
/// ```
public struct ModelComparison: Sendable {
    /// Positions compared.
    public private(set) var positions = 0
    /// Largest difference of a logit after both were shifted to log-probabilities.
    public private(set) var maxDifference = 0.0
    public private(set) var meanDivergence = 0.0
    public private(set) var maxDivergence = 0.0
    /// Share of positions at which both find the same token likeliest.
    public private(set) var sameTop = 0.0
    /// Perplexity of the prompts' own tokens under each model.
    public private(set) var perplexities = (first: 0.0, second: 0.0)
    /// For each prompt, how many greedy tokens are equal before the first one that differs; nil where all are.
    public private(set) var firstApart: [Int?] = []
    /// Greedy tokens made for each prompt.
    public let greedyTokens: Int

    /// Texts of several kinds, for a comparison that was given none.
    public static let prompts = [
        "Once upon a time, there was a little girl who lived near the sea.", "The capital of France is Paris, and the capital of Italy is",
        "def fibonacci(n):\n    if n < 2:\n        return n\n    return", "Water boils at 100 degrees Celsius because",
        "1, 2, 3, 5, 8, 13, 21,", "Dear Sir or Madam,\n\nI am writing to ask whether",
    ]

    /// `window` is how many tokens of a text are read at once, `limit` how many in all.
    /// - Throws: where the vocabularies differ, or a text has no tokens.
    public init(
        _ first: ModelFolder, _ second: ModelFolder, texts: [String] = prompts, window: Int = 512, limit: Int = 1 << 20, greedyTokens: Int = 32,
        onProgress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws {
        guard first.spec.vocabulary == second.spec.vocabulary else {
            throw FileError(
                "models of different vocabularies cannot be compared", path: second.path, field: "vocabulary", expected: "\(first.spec.vocabulary)",
                found: "\(second.spec.vocabulary)")
        }
        self.greedyTokens = greedyTokens
        let window = min(window, first.spec.context, second.spec.context)
        let sequences = try Self.sequences(first, second, texts, window: max(window, 2), limit: limit)
        let models = (try first.transformer(), try second.transformer())
        var sums = LogitDifference()
        let total = sequences.reduce(0) { $0 + $1.count }
        var done = 0
        for ids in sequences {
            sums.add(models.0, models.1, ids)
            done += ids.count
            onProgress(done, total)
        }
        positions = sums.positions
        (maxDifference, maxDivergence) = (sums.maxDifference, sums.maxDivergence)
        meanDivergence = sums.divergence / Double(max(sums.positions, 1))
        sameTop = Double(sums.sameTop) / Double(max(sums.positions, 1))
        let targets = Double(max(sums.targets, 1))
        perplexities = (exp(sums.losses.first / targets), exp(sums.losses.second / targets))
        firstApart = try sequences.prefix(8).map { try Self.firstApart(models.0, models.1, $0, greedyTokens) }
    }

    /// The texts' tokens in windows, each with what the tokenizer puts before a text; without a tokenizer, ids drawn from the vocabulary.
    private static func sequences(_ first: ModelFolder, _ second: ModelFolder, _ texts: [String], window: Int, limit: Int) throws -> [[Int32]] {
        guard let tokenizer = (try? first.tokenizer()) ?? (try? second.tokenizer()) else { return drawn(first.spec.vocabulary, min(window, 32)) }
        var sequences: [[Int32]] = []
        var left = limit
        for text in texts {
            var ids = tokenizer.encode(text).filter { Int($0) < first.spec.vocabulary }[...]
            let begin = ids.first.flatMap { tokenizer.isSpecial($0) ? $0 : nil }
            while ids.count > 1, left > 0 {
                let continues = sequences.last != nil && ids.first != begin
                let room = min(window - (continues && begin != nil ? 1 : 0), left)
                sequences.append((continues ? [begin].compactMap(\.self) : []) + ids.prefix(room))
                left -= min(room, ids.count)
                ids = ids.dropFirst(room)
            }
        }
        guard !sequences.isEmpty else { throw FileError("no tokens to compare on", path: first.path, field: "text") }
        return sequences
    }

    private static func drawn(_ vocabulary: Int, _ count: Int) -> [[Int32]] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<4).map { _ in
            (0..<max(count, 2)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int32((state >> 33) % UInt64(vocabulary))
            }
        }
    }

    private static func firstApart(_ first: Transformer, _ second: Transformer, _ ids: [Int32], _ count: Int) throws -> Int? {
        let context = min(first.spec.context, second.spec.context)
        let prompt = Array(ids.prefix(max(1, min(ids.count, context - count))))
        let room = min(count, context - prompt.count)
        guard room > 0 else { return nil }
        let ours = try GenerationSession(first, capacity: prompt.count + room).greedy(prompt, count: room)
        let theirs = try GenerationSession(second, capacity: prompt.count + room).greedy(prompt, count: room)
        return zip(ours, theirs).enumerated().first { $1.0 != $1.1 }?.offset
    }
}

extension ModelComparison {
    public var json: JSON {
        [
            "positions": JSON(positions), "max_difference": .number(maxDifference), "kl_mean": .number(meanDivergence), "kl_max": .number(maxDivergence),
            "same_top": .number(sameTop), "perplexity": [.number(perplexities.first), .number(perplexities.second)],
            "greedy_tokens": JSON(greedyTokens), "first_token_apart": .array(firstApart.map { $0.map { JSON($0) } ?? .null }),
        ]
    }
}
