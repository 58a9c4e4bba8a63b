internal import QuintetFiles

/// Keeps documents in the wanted languages: a character n-gram model has to be sure of the language (FineWeb: English at 0.65).
///
/// The language found goes into the metadata. An empty list of languages keeps every language.
struct LanguageFilter: ScrubStep {
    static let name = "language"
    static let settings: [(key: String, value: JSON)] = [("languages", ["en"]), ("min_score", 0.65)]
    let kinds = DocumentKinds.prose
    private let wanted: Set<String>
    private let threshold: Double

    init(_ values: StepValues) throws {
        wanted = Set(try values.texts("languages"))
        threshold = try values.share("min_score") ?? 0
        if let unknown = wanted.subtracting(LanguageModel.shared.languages).min() {
            throw FileError(
                "unknown language", field: "language.languages", expected: LanguageModel.shared.languages.joined(separator: " "), found: unknown)
        }
    }

    func judge(_ page: Page) -> Judgement {
        let (language, score) = page.text.withUnsafeBufferPointer { LanguageModel.shared.identify($0) }
        page.detected = DetectedLanguage(language, score)
        if wanted.isEmpty { return .keep }
        if !wanted.contains(language) { return .drop(rule: "language", value: score, threshold: threshold, detail: language) }
        return score < threshold ? .drop(rule: "language_score", value: score, threshold: threshold, detail: language) : .keep
    }
}
