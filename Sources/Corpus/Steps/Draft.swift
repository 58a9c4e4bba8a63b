internal import QuintetFiles

/// A document on its way through the steps, still as bytes.
struct Draft {
    /// Valid UTF-8.
    var text: [UInt8]
    var source: String
    var kind: DocumentKind
    var added: String?
    var created: String?
    var metadata: JSONObject
    /// Line of the row in its file, for JSON lines.
    var line: Int?
    /// The id that the document came with.
    var givenID: String?

    /// Its own id, or else that of its text.
    var id: String { givenID ?? textID }

    /// The id of the text as it is now.
    var textID: String { String(text.withUnsafeBytes { sha256($0) }.prefix(32)) }
}

/// What a step did to a document.
enum Verdict {
    case keep
    /// These spans of the text (bytes, ascending, apart) are to be removed.
    case cut([Range<Int>], rule: String)
    case drop(rule: String, value: Int, threshold: Int)
}

/// One step of cleaning; each is a file of its own and a line in `GatherSteps`.
protocol CleaningStep {
    var name: String { get }
    mutating func judge(_ draft: Draft) -> Verdict
}

/// The steps that `gather` takes, in their order.
enum GatherSteps {
    static func all(_ options: Gather.Options) -> [any CleaningStep] {
        [
            LicenceHeaders(),
            NearEmpty(minimum: options.minimumLetters),
            ExactDuplicates(),
        ]
    }
}
