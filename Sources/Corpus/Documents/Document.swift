public import QuintetFiles

/// One piece of text with where it came from: a row of `documents/NNNNN.jsonl`.
public struct Document: Sendable, Equatable {
    /// First 32 digits of the SHA-256 of the text as it was gathered.
    public var id: String
    public var text: String
    /// Path or name of what it came from.
    public var source: String
    /// When it was added to the collection and when it was made, ISO 8601; nil where unknown.
    public var added: String?
    public var created: String?
    /// Language, licence, address, line and whatever else is known.
    public var metadata: JSONObject

    public init(
        id: String? = nil, text: String, source: String, added: String? = nil, created: String? = nil, metadata: JSONObject = [:]
    ) {
        self.id = id ?? Self.id(of: text)
        self.text = text
        self.source = source
        self.added = added
        self.created = created
        self.metadata = metadata
    }

    /// The id that a text has.
    public static func id(of text: String) -> String { String(sha256(text).prefix(32)) }

    public var json: JSON {
        [
            "id": .string(id), "text": .string(text), "source": .string(source),
            "added": added.map { .string($0) } ?? .null, "created": created.map { .string($0) } ?? .null,
            "metadata": .object(metadata),
        ]
    }

    /// A document from a row; nil unless the row is an object with a "text" string.
    init?(row: JSON, source: String) {
        guard let text = row["text"]?.string else { return nil }
        self.init(
            id: row["id"]?.string, text: text, source: row["source"]?.string ?? source, added: row["added"]?.string,
            created: row["created"]?.string, metadata: row["metadata"]?.object ?? [:])
    }
}

extension Document {
    /// Streams every document of a gathered folder, of any folder with JSONL files, or of one JSONL file, in order.
    ///
    /// A row that is no document is a `FileError` with its line; blank lines are passed over.
    public static func forEach(in path: String, _ body: (Document) throws -> Void) throws {
        for file in try files(path) {
            let lines = try LineReader(file, limit: 1 << 28)
            while let line = try lines.next() {
                if line.isBlank { continue }
                guard !line.isTooLong, let row = Document(row: try line.parsed(file), source: file) else {
                    throw FileError(
                        "not a document", path: file, offset: line.offset, expected: "an object with \"text\"",
                        hint: "clean the file with `quintet gather`", line: line.number)
                }
                try body(row)
            }
        }
    }

    /// The JSONL files behind a path, in order.
    static func files(_ path: String) throws(FileError) -> [String] {
        guard Folder.exists(path) else { throw FileError("nothing is there", path: path, hint: "check the path") }
        guard Folder.isFolder(path) else { return [path] }
        let inner = Folder.join(path, "documents")
        let found = try Folder.files(under: Folder.isFolder(inner) ? inner : path).filter(FileKind.isJSONLines)
        guard !found.isEmpty else {
            throw FileError(
                "no documents in this folder", path: path, expected: "documents/*.jsonl",
                hint: "make them with `quintet gather SOURCE --into DIR`")
        }
        return found
    }
}
