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
            return .refused(Refusal(reason: "no \"\(limits.textField ?? "text")\"", line: line, offset: offset, detail: found, hint: "name the field that holds the text with --text-field"))
        }
        return .document(document(text, row.object ?? [:], field, input, line, offset))
    }

    /// `id`, `source`, `added`, `created` and `metadata` are taken over; other fields go into the metadata.
    private static func document(_ text: String, _ row: JSONObject, _ field: String?, _ input: Input, _ line: Int?, _ offset: Int?) -> RawDocument {
        var fields = Document.Fields(row, text: field)
        for (key, value) in input.metadata where fields.metadata[key] == nil { fields.metadata[key] = value }
        if row["source"] == nil, let line { fields.metadata["line"] = JSON(line) }
        return RawDocument(
            content: Array(text.utf8), kind: .row, encoding: input.encoding, source: fields.source ?? input.name, added: fields.added, created: fields.created ?? input.created,
            id: fields.id, metadata: fields.metadata, line: line, offset: offset)
    }
}
