/// Every step, one line each, in the order they are taken unless a configuration says otherwise (FineWeb's order).
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
        NearDuplicates.self,
        Decontamination.self,
        PersonalData.self,
        SecretKeys.self,
        HiddenText.self,
        Toxicity.self,
        QualityClassifier.self,
    ]

    static func named(_ name: String) -> (any ScrubStep.Type)? { all.first { $0.name == name } }
}
