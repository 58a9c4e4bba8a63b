public import QuintetFiles

/// One piece of text with where it came from: a row of `documents/NNNNN.jsonl`.
public struct Document: Sendable, Equatable {
    /// The id that its row came with, else the first 32 digits of the SHA-256 of the text as it was gathered.
    ///
    /// Rows of different files may share an id.
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
        guard let text = row["text"]?.string, let row = row.object else { return nil }
        let fields = Fields(row, text: "text")
        self.init(id: fields.id, text: text, source: fields.source ?? source, added: fields.added, created: fields.created, metadata: fields.metadata)
    }

    /// What a row says beside its text; fields that are none of a document's go into the metadata.
    struct Fields {
        /// A text, or a number as text.
        var id: String?
        var source: String?
        var added: String?
        var created: String?
        var metadata: JSONObject

        /// `text` names the field that holds the text.
        init(_ row: JSONObject, text: String?) {
            metadata = row["metadata"]?.object ?? [:]
            var taken: Set<String> = ["text"]
            if let text { taken = [text] }
            if let name = row["id"].flatMap(Self.name) {
                id = text == "id" ? nil : name
                taken.insert("id")
            }
            if row["metadata"]?.object != nil { taken.insert("metadata") }
            func plain(_ key: String) -> String? {
                guard let value = row[key]?.string else { return nil }
                taken.insert(key)
                return value
            }
            (source, added, created) = (plain("source"), plain("added"), plain("created"))
            for key in row.keys where !taken.contains(key) && metadata[key] == nil {
                if let value = row[key], !(value.isNull && Self.own.contains(key)) { metadata[key] = value }
            }
        }

        private static let own: Set<String> = ["id", "source", "added", "created", "metadata"]

        private static func name(_ id: JSON) -> String? {
            switch id {
            case .string(let text): text.isEmpty ? nil : text
            case .integer, .number: id.serialized()
            default: nil
            }
        }
    }
}

extension Document {
    /// Streams every document of a gathered folder, of any folder with JSONL files, or of one JSONL file, in order.
    ///
    /// A row that is no document is a `FileError` with its line; blank lines are passed over.
    public static func forEach(in path: String, _ body: (Document) throws -> Void) throws {
        try forEach(in: path, refused: { error in if error.what != blank { throw error } }, body)
    }

    /// The same, with what becomes of rows (blank lines among them) and rests of files that cannot be read.
    static func forEach(in path: String, refused: (FileError) throws -> Void, _ body: (Document) throws -> Void) throws {
        for file in try files(path) {
            let lines: LineReader
            do throws(FileError) { lines = try LineReader(file, limit: 1 << 28) } catch {
                try refused(error)
                continue
            }
            while true {
                let line: LineReader.Line?
                do throws(FileError) { line = try lines.next() } catch {
                    try refused(error)
                    break
                }
                guard let line else { break }
                let document: Document
                do throws(FileError) { document = try Self.document(line, file) } catch {
                    try refused(error)
                    continue
                }
                try body(document)
            }
        }
    }

    private static func document(_ line: LineReader.Line, _ file: String) throws(FileError) -> Document {
        if line.isBlank { throw FileError(blank, path: file, offset: line.offset, line: line.number) }
        if !line.isTooLong, let document = Document(row: try line.parsed(file), source: file) { return document }
        throw FileError(
            "not a document", path: file, offset: line.offset, expected: "an object with \"text\"", hint: "clean the file with `quintet gather`", line: line.number)
    }

    private static let blank = "blank line"

    /// The JSONL files behind a path, in order.
    static func files(_ path: String) throws(FileError) -> [String] {
        guard Folder.exists(path) else { throw FileError("nothing is there", path: path, hint: "check the path") }
        guard Folder.isFolder(path) else { return [path] }
        let inner = Folder.join(path, "documents")
        var found: [String] = []
        try Folder.walk(PathBytes(Folder.isFolder(inner) ? inner : path)) { file, kind throws(FileError) in
            if case .closed(let error) = kind { throw error }
            guard kind == .file, FileKind.isJSONLines(file.display) else { return }
            guard let name = file.text else { throw FileError("the file's name is no UTF-8", path: file.display, hint: "give it another name") }
            found.append(name)
        }
        found.sort(by: Folder.precedes)
        guard !found.isEmpty else {
            throw FileError(
                "no documents in this folder", path: path, expected: "documents/*.jsonl",
                hint: "make them with `quintet gather SOURCE --into DIR`")
        }
        return found
    }
}
