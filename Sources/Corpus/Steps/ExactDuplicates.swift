internal import QuintetFiles

/// Keeps the first of documents with the same text (by 128 bits of SHA-256; 16 bytes of memory each, and the table's room).
struct ExactDuplicates: CleaningStep {
    let name = "exact duplicates"
    private var seen: Set<UInt128> = []

    mutating func judge(_ draft: Draft) -> Verdict {
        guard let key = UInt128(draft.textID, radix: 16) else { return .keep }
        return seen.insert(key).inserted ? .keep : .drop(rule: "same text as an earlier document", value: 1, threshold: 0)
    }
}
