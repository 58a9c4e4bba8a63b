internal import QuintetFiles

/// Drops documents that a linear model scores below a threshold: the place where a trained classifier is plugged in.
///
/// `model` names a JSON file: `{"n_grams": 2, "bits": 18, "bias": b, "weights": [...]}` with 2^bits weights. The score is the logistic
/// function of bias plus the mean weight of the document's word n-grams (lengths 1 to `n_grams`), each weight found by the last bits
/// of the XXH64 of the simplified words. Without a model the step keeps everything.
struct QualityClassifier: ScrubStep {
    static let name = "quality_classifier"
    static let settings: [(key: String, value: JSON)] = [("model", nil), ("min_score", 0.5)]
    let kinds = DocumentKinds.prose
    private let model: LinearModel?
    private let threshold: Double

    init(_ values: StepValues) throws {
        model = try values.text("model").map { try LinearModel($0) }
        threshold = try values.share("min_score") ?? 0
    }

    func judge(_ page: Page) -> Judgement {
        guard let model else { return .keep }
        let score = model.score(page)
        return score < threshold ? .drop(rule: "low_quality", value: score, threshold: threshold) : .keep
    }
}

/// A linear model over hashed n-grams of words.
struct LinearModel: Sendable {
    private let weights: [Float]
    private let bias: Double
    private let n: Int

    init(_ path: String) throws {
        let json = try JSON.read(path)
        guard let n = json["n_grams"]?.int, (1...5).contains(n), let bits = json["bits"]?.int, (1...24).contains(bits),
            let bias = json["bias"]?.double, let values = json["weights"]?.array, values.count == 1 << bits
        else { throw FileError("not a quality model", path: path, expected: "n_grams, bits, bias and 2^bits weights") }
        weights = values.map { Float($0.double ?? 0) }
        (self.bias, self.n) = (bias, n)
    }

    func score(_ page: Page) -> Double {
        var (sum, count) = (0.0, 0)
        for length in 1...n {
            page.shingles(length) { hash in
                sum += Double(weights[Int(truncatingIfNeeded: hash) & (weights.count - 1)])
                count += 1
            }
        }
        return Logistic.of(bias + (count > 0 ? sum / Double(count) : 0))
    }
}
