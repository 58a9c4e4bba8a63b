internal import QuintetFiles

/// Cuts the comment at the head of a source file that speaks of copyright or a licence.
struct LicenceHeaderStep: ScrubStep {
    static let name = "licence_headers"
    static let settings: [(key: String, value: JSON)] = []
    let kinds = DocumentKinds.source

    init(_ values: StepValues) {}

    func judge(_ page: Page) -> Judgement {
        guard let language = page.language else { return .keep }
        let spans = LicenceHeaders.spans(page.text, language)
        return spans.isEmpty ? .keep : .change(spans.map { Edit(start: $0.lowerBound, end: $0.upperBound, with: [], rule: "licence_header") })
    }
}
