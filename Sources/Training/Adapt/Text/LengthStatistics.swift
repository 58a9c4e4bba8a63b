public import QuintetFiles
import QuintetReports

/// How long texts are, and what was cut or left out: shown before training starts.
public struct LengthStatistics: Sendable, Equatable {
    public private(set) var samples = 0
    public private(set) var tokens = 0
    public private(set) var learned = 0
    /// Of one text: shortest, median, 95th of a hundred, longest.
    public private(set) var lengths: (least: Int, median: Int, high: Int, most: Int) = (0, 0, 0, 0)
    /// Texts that were cut at the end, and the tokens they lost.
    public private(set) var cut = 0
    public private(set) var tokensLost = 0
    /// Answers before which the template writes something else than when it asks for one, and those that it leaves out.
    public private(set) var askedOtherwise = 0
    public private(set) var leftOut = 0

    public init(_ samples: [Sample]) {
        let texts = samples.flatMap(\.texts)
        self.samples = samples.count
        tokens = texts.reduce(0) { $0 + $1.ids.count }
        learned = texts.reduce(0) { $0 + $1.learnedCount }
        cut = texts.count { $0.cut > 0 }
        tokensLost = texts.reduce(0) { $0 + $1.cut }
        askedOtherwise = texts.reduce(0) { $0 + $1.askedOtherwise }
        leftOut = texts.reduce(0) { $0 + $1.leftOut }
        let sorted = texts.map(\.ids.count).sorted()
        guard let least = sorted.first, let most = sorted.last else { return }
        lengths = (least, sorted[sorted.count / 2], sorted[min(sorted.count - 1, sorted.count * 95 / 100)], most)
    }

    public static func == (a: LengthStatistics, b: LengthStatistics) -> Bool { a.json == b.json }

    /// `940 samples, 81,200 tokens (52,100 learned), lengths 12 to 214, median 80, 95 % up to 170; 3 cut (96 tokens lost)`.
    public var summary: String {
        var text = "\(Number.grouped(samples)) samples, \(Number.grouped(tokens)) tokens (\(Number.grouped(learned)) learned), lengths \(lengths.least) to \(lengths.most), median \(lengths.median), 95 % up to \(lengths.high)"
        if cut > 0 { text += "; \(Number.grouped(cut)) cut to fit (\(Number.grouped(tokensLost)) tokens lost)" }
        if askedOtherwise > 0 { text += "; before \(Number.grouped(askedOtherwise)) answers the template writes something else than when it asks for one in serving" }
        if leftOut > 0 { text += "; the template leaves \(Number.grouped(leftOut)) answers out" }
        return text
    }

    public var json: JSON {
        [
            "samples": JSON(samples), "tokens": JSON(tokens), "learned_tokens": JSON(learned), "min": JSON(lengths.least), "median": JSON(lengths.median),
            "p95": JSON(lengths.high), "max": JSON(lengths.most), "truncated": JSON(cut), "tokens_lost": JSON(tokensLost),
            "asked_otherwise": JSON(askedOtherwise), "left_out": JSON(leftOut),
        ]
    }
}
