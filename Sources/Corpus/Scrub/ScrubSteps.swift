/// Every step, one line each; those that are default are taken in this order unless a configuration says otherwise (FineWeb's order).
enum ScrubSteps {
    static let all: [any ScrubStep.Type] = [
        GeneratedCode.self,
        LicenceHeaderStep.self,
        URLFilter.self,
        LanguageFilter.self,
        GopherRepetition.self,
        GopherQuality.self,
        C4Quality.self,
        FineWebQuality.self,
        ExactDuplicateStep.self,
        LineDuplicates.self,
        ParagraphOverlap.self,
        NearDuplicates.self,
        Decontamination.self,
        PersonalData.self,
        SecretKeys.self,
        HiddenText.self,
        Toxicity.self,
        QualityClassifier.self,
    ]

    /// What is taken unless a configuration names the steps.
    static var chosen: [String] { all.filter { $0.isDefault }.map { $0.name } }

    static func named(_ name: String) -> (any ScrubStep.Type)? { all.first { $0.name == name } }
}
