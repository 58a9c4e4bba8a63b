/// What proposes tokens that the model then checks together: several for the price of one where the proposals are good.
public enum DraftOptions: Sendable, Equatable {
    case none
    /// A smaller model with the same vocabulary.
    case model(DraftModel)
    /// What followed the last tokens where they stood before (Saxena 2023): good for texts that repeat their prompt.
    case lookup
}
