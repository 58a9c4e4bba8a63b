internal import QuintetFiles

/// A JSON value as a document.
enum JSONRow {
    /// The document of a row, or why it is none.
    static func item(_ row: JSON, _ input: Input, _ limits: ReadLimits, line: Int?, offset: Int?) -> ReadItem {
        if case .string(let text) = row {
            return .document(document(text, [:], nil, input, line, offset))
        }
        let names = row.object?.keys.filter { row[$0]?.string != nil } ?? []
        guard let field = limits.field(names), let text = row[field]?.string else {
            let found = row.object == nil ? row.kind : "an object with " + (row.object?.keys.prefix(8).joined(separator: ", ") ?? "")
            return .refused(Refusal(reason: "no \"\(limits.textField ?? "text")\"", line: line, offset: offset, detail: found))
        }
        return .document(document(text, row.object ?? [:], field, input, line, offset))
    }

    /// `source`, `added`, `created` and `metadata` are taken over; other plain fields go into the metadata.
    private static func document(_ text: String, _ row: JSONObject, _ field: String?, _ input: Input, _ line: Int?, _ offset: Int?) -> RawDocument {
        var metadata = row["metadata"]?.object ?? [:]
        for (key, value) in input.metadata where metadata[key] == nil { metadata[key] = value }
        for key in row.keys where ![field, "id", "source", "added", "created", "metadata"].contains(key) && metadata[key] == nil {
            metadata[key] = row[key]
        }
        if row["source"] == nil, let line { metadata["line"] = JSON(line) }
        return RawDocument(
            content: Array(text.utf8), kind: .row, source: row["source"]?.string ?? input.name, added: row["added"]?.string,
            created: row["created"]?.string ?? input.created, metadata: metadata, line: line, offset: offset)
    }
}
