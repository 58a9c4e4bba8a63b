/// Drops what holds hardly any letters or digits: files below the minimum, rows without any.
struct NearEmpty: CleaningStep {
    let name = "near empty"
    /// Letters and digits (every byte beyond ASCII counts) that a file has to have.
    let minimum: Int

    func judge(_ draft: Draft) -> Verdict {
        let needed = draft.kind == .row ? min(1, minimum) : minimum
        var count = 0
        for byte in draft.text {
            if byte >= 0x80 || byte &- 48 < 10 || (byte | 32) &- 97 < 26 { count += 1 }
            if count >= needed { return .keep }
        }
        return needed == 0 ? .keep : .drop(rule: "letters and digits", value: count, threshold: needed)
    }
}
