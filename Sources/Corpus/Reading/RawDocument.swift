internal import QuintetFiles

/// A document as it was found: bytes in whatever encoding, and what is known about them.
struct RawDocument {
    var content: [UInt8]
    var kind: DocumentKind
    /// The character encoding that was declared beside the content, as in an HTTP header.
    var charset: String?
    /// What the bytes of a row were in its file, where they were not UTF-8.
    var encoding: String?
    var source: String
    var added: String?
    var created: String?
    /// The id that the row has.
    var id: String?
    var metadata: JSONObject = [:]
    /// Line of the row in its file.
    var line: Int?
    /// Byte of the document in its file.
    var offset: Int?
}

/// A record that cannot be read: where and why.
struct Refusal {
    var reason: String
    var line: Int?
    var offset: Int?
    var detail: String?
    /// What to do about it.
    var hint: String?
}

extension Refusal {
    /// The row of `quarantine/`.
    func row(_ source: String) -> JSON {
        var row: JSON = ["source": .string(source), "reason": .string(reason)]
        if let line { row["line"] = JSON(line) }
        if let offset { row["offset"] = JSON(offset) }
        if let detail { row["detail"] = .string(detail) }
        if let hint { row["hint"] = .string(hint) }
        return row
    }

    init(_ error: FileError) { self.init(reason: error.what, line: error.line, offset: error.offset, detail: error.found ?? error.expected, hint: error.hint) }
}

/// What a reader comes upon.
enum ReadItem {
    case document(RawDocument)
    /// A record that cannot be read; reading goes on behind it.
    case refused(Refusal)
    /// Something inside that is read for itself before reading goes on.
    case member(Input)
    /// What is rightly left out, by reason.
    case passedOver(String)
}

/// Reads one input, an item at a time.
protocol DocumentReader: AnyObject {
    /// The next item, nil at the end. What is thrown ends the input, unless `recover` finds a place to go on.
    func next() throws(FileError) -> ReadItem?
    /// After something was thrown: whether reading can go on.
    func recover() throws(FileError) -> Bool
}

extension DocumentReader {
    func recover() throws(FileError) -> Bool { false }
}

/// A named stream of bytes on its way to documents.
struct Input {
    var name: String
    var stream: ByteStream
    /// What it is, where the name or the user tells; else the content decides.
    var kind: FileKind?
    /// Named by the user rather than found in a folder or an archive.
    var isNamed = false
    /// What the bytes were, where they have become UTF-8 on the way.
    var encoding: String?
    var created: String?
    var metadata: JSONObject = [:]
    /// Archives around it.
    var depth = 0
    /// Bombs are measured against what lies on the disk.
    var expansion: Expansion
}

/// What readers hold to.
struct ReadLimits: Sendable {
    /// Largest document in bytes.
    var document = 64 << 20
    /// The field or column that holds the text; nil takes the first of the usual ones.
    var textField: String?

    static let usualFields = ["text", "content", "body", "raw_content", "document", "article"]

    /// The text's field among these names.
    func field(_ names: [String]) -> String? {
        if let textField { return names.contains(textField) ? textField : nil }
        return Self.usualFields.first { names.contains($0) }
    }
}
