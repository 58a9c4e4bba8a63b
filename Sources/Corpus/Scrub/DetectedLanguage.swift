internal import QuintetFiles

/// The language that was found in a document, and how sure that is.
struct DetectedLanguage: Equatable {
    var language: String
    var score: Double

    init(_ language: String, _ score: Double) { (self.language, self.score) = (language, score) }

    /// For the files between two passes.
    var bytes: [UInt8] {
        var out: [UInt8] = []
        out.append(number: score.bitPattern)
        return out + language.utf8
    }

    init?(bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        self.init(String(decoding: bytes[8...], as: UTF8.self), Double(bitPattern: bytes.withUnsafeBytes { $0.u64(0) }))
    }

    /// What is written; what stood there before is kept under `given`.
    private static let written = ["language", "language_score"]
    private static let given = "given"

    /// Writes `language` and `language_score`. What the document came with under these names (and under "given") stays in `given`.
    func note(in metadata: inout JSONObject) {
        var before = JSONObject()
        for key in Self.written + [Self.given] { before[key] = metadata[key] }
        metadata["language"] = .string(language)
        metadata["language_score"] = .number((score * 1e4).rounded() / 1e4)
        if !before.isEmpty { metadata[Self.given] = .object(before) }
    }

    /// The metadata as they were before `note`.
    static func forget(in metadata: inout JSONObject) {
        let before = metadata[given]?.object ?? [:]
        for key in written + [given] { metadata[key] = before[key] }
    }

    /// Whether these are metadata of a document that the language step has looked at: all but source code.
    static func isNoted(in metadata: JSONObject) -> Bool {
        guard let name = metadata["language"]?.string else { return false }
        return !Language.all.contains { $0.name == name }
    }
}
