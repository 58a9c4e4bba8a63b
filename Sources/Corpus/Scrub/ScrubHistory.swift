public import QuintetFiles

/// Looks up in a scrubbed folder what happened to a document, and gets it back as it was.
public struct ScrubHistory {
    private let folder: String
    /// Whether the language that was found stands in the metadata of what was kept.
    private let notesLanguage: Bool

    /// A scrubbed folder, or a gathered one.
    public init(_ folder: String) throws {
        self.folder = folder
        let report = Folder.join(folder, "report.json")
        let steps = Folder.isFile(report) ? try JSON.read(report)["config"]?["steps"]?.array ?? [] : []
        notesLanguage = steps.contains { $0.string == LanguageFilter.name }
        guard Folder.isFolder(Folder.join(folder, "audit")) else {
            throw FileError("no scrubbed documents in this folder", path: folder, expected: "audit/*.jsonl", hint: "name the folder that scrub --into made")
        }
    }

    /// The audit's rows about a document, in the order of the steps.
    public func rows(of id: String) throws -> [JSON] {
        var rows: [JSON] = []
        for file in try Folder.files(under: Folder.join(folder, "audit")) { rows += try Self.rows(file, id) }
        return rows
    }

    private static func rows(_ file: String, _ id: String) throws -> [JSON] {
        // A row begins with the id, so that others need no parsing.
        let start = Array((JSON.object(["id": .string(id)]).serialized().dropLast() + ",").utf8)
        var rows: [JSON] = []
        let lines = try LineReader(file, limit: 1 << 31)
        while let line = try lines.next() {
            if line.bytes.starts(with: start) { rows.append(try line.parsed(file)) }
        }
        return rows
    }

    /// The rows of `documents/` with this id.
    public func kept(_ id: String) throws -> [Document] {
        let start = Array((JSON.object(["id": .string(id)]).serialized().dropLast() + ",").utf8)
        var found: [Document] = []
        for file in try Folder.files(under: Folder.join(folder, "documents")) {
            let lines = try LineReader(file, limit: 1 << 31)
            while let line = try lines.next() {
                guard line.bytes.starts(with: start), let document = Document(row: try line.parsed(file), source: file) else { continue }
                found.append(document)
            }
        }
        return found
    }

    /// The documents with this id as they came in: changes undone, dropped ones brought back.
    public func restored(_ id: String) throws -> [Document] {
        let rows = try rows(of: id)
        let kept = try kept(id).map(withoutLanguage)
        guard !rows.isEmpty || !kept.isEmpty else {
            throw FileError("no such document", path: folder, field: id, hint: "ids are in documents/ and audit/")
        }
        var places: [(place: String, rows: [JSON])] = []
        for row in rows {
            let place = row["place"]?.string ?? "\(row["source"]?.string ?? "") \(row["line"]?.int ?? 0)"
            if let index = places.firstIndex(where: { $0.place == place }) { places[index].rows.append(row) } else { places.append((place, [row])) }
        }
        var documents: [Document] = []
        var untouched = kept
        for (_, rows) in places {
            if let last = rows.last, last["action"]?.string == "drop" {
                guard let document = Self.dropped(last) else { throw notKept(id) }
                documents.append(try undo(rows, document, id))
            } else if let index = untouched.firstIndex(where: { (try? undo(rows, $0, id)) != nil }) {
                documents.append(try undo(rows, untouched.remove(at: index), id))
            } else {
                throw notKept(id)
            }
        }
        return documents + untouched
    }

    /// The document of a row: whole as scrub keeps it, or the text and source that gather keeps.
    private static func dropped(_ row: JSON) -> Document? {
        if let document = row["document"] { return Document(row: document, source: "") }
        guard let text = row["text"]?.string else { return nil }
        return Document(id: row["id"]?.string, text: text, source: row["source"]?.string ?? "")
    }

    private func undo(_ rows: [JSON], _ document: Document, _ id: String) throws -> Document {
        var (document, text) = (document, Array(document.text.utf8))
        for row in rows.reversed() {
            if row["flags"] != nil { document.metadata["flags"] = row["before"] }
            guard ["change", "cut"].contains(row["action"]?.string) else { continue }
            guard let spans = row["spans"]?.array, let old = EditList.undone(spans, in: text) else { throw notKept(id) }
            text = old
        }
        document.text = String(decoding: text, as: UTF8.self)
        return document
    }

    private func withoutLanguage(_ document: Document) -> Document {
        guard notesLanguage, DetectedLanguage.isNoted(in: document.metadata) else { return document }
        var document = document
        DetectedLanguage.forget(in: &document.metadata)
        return document
    }

    private func notKept(_ id: String) -> FileError {
        FileError("what was removed is not in the audit", path: folder, field: id, hint: "scrub with keep_removed: true")
    }
}

extension ScrubHistory {
    /// An audit row in words.
    public static func sentence(_ row: JSON) -> String {
        let step = row["step"]?.string ?? "?"
        switch row["action"]?.string {
        case "drop":
            let detail = row["detail"]?.string.map { " (\($0))" } ?? ""
            return "dropped by \(step): \(row["rule"]?.string ?? "?") is \(row["value"]?.serialized() ?? "?"), the limit is "
                + "\(row["threshold"]?.serialized() ?? "?")\(detail)"
        case "change", "cut":
            let spans = row["spans"]?.array ?? []
            let list = spans.prefix(20).map { span in
                "\n  bytes \(span["start"]?.int ?? 0)-\(span["end"]?.int ?? 0): \(span["rule"]?.string ?? row["rule"]?.string ?? "?")"
            }
            return "changed by \(step), \(spans.count) spans" + list.joined() + (spans.count > 20 ? "\n  ..." : "")
        default:
            return "flagged by \(step): " + (row["flags"]?.serialized() ?? "")
        }
    }
}
