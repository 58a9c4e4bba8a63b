public import QuintetFiles
public import QuintetGeneration
import QuintetReports

/// Rows that a classifier has read, for people, programs and tables.
public struct ScoredRows: Sendable {
    public enum Row: Sendable {
        /// The row as it was, its text, what is said about it, and its own label where it had one.
        case text(JSONObject, String, Prediction, String?)
        case words(JSONObject, [String], [Prediction?], [String]?)
    }

    public let rows: [Row]

    init(_ rows: [Row]) { self.rows = rows }

    /// How often the prediction is the row's own label, over rows (or words) that have one; nil where none has, or where numbers are predicted.
    public var accuracy: (share: Double, count: Int)? {
        var (right, count) = (0, 0)
        for row in rows {
            switch row {
            case .text(_, _, let answer, let label?) where answer.value == nil: (right, count) = (right + (answer.label == label ? 1 : 0), count + 1)
            case .words(_, _, let answers, let tags?):
                for (answer, tag) in zip(answers, tags) { (right, count) = (right + (answer?.label == tag ? 1 : 0), count + 1) }
            default: break
            }
        }
        return count == 0 ? nil : (Double(right) / Double(count), count)
    }

    /// Of a model that rates: the mean distance from the rows' own numbers.
    public var absoluteError: (mean: Double, count: Int)? {
        let errors = rows.compactMap { row -> Double? in
            guard case .text(_, _, let answer, let label?) = row, let value = answer.value, let wanted = Double(label) else { return nil }
            return abs(value - wanted)
        }
        return errors.isEmpty ? nil : (errors.reduce(0, +) / Double(errors.count), errors.count)
    }

    /// Each row as it was with `predicted`, `probability` and `probabilities` (or `value`, or `predicted_tags`) added.
    public var json: [JSON] {
        rows.map { row in
            switch row {
            case .text(var fields, _, let answer, _):
                if let value = answer.value { fields["predicted"] = .number(value) } else {
                    for (key, value) in answer.json.object ?? [:] { fields[key == "label" ? "predicted" : key] = value }
                }
                return .object(fields)
            case .words(var fields, _, let answers, _):
                fields["predicted_tags"] = .array(answers.map { $0.map { .string($0.label) } ?? .null })
                fields["probabilities"] = .array(answers.map { $0.map { .number($0.probability) } ?? .null })
                return .object(fields)
            }
        }
    }

    /// `HUM  0.97  Who wrote Hamlet?`, a line for each; words with their tags side by side.
    public var lines: [String] {
        rows.map { row in
            switch row {
            case .text(_, let text, let answer, _):
                let figure = answer.value.map { Number.short($0, digits: 4) } ?? "\(answer.label)  \(Number.short(answer.probability, digits: 3))"
                return "\(figure)  \(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
            case .words(_, let words, let answers, _): return zip(words, answers).map { "\($0)/\($1?.label ?? "-")" }.joined(separator: " ")
            }
        }
    }

    /// How rows are written, by the name of the file: JSON lines, or a table.
    public enum Form: String, CaseIterable, Sendable {
        case jsonl, ndjson, csv, tsv, tab

        /// - Throws: `FileError` for another ending.
        public init(of path: String) throws(FileError) {
            let ending = Folder.fileExtension(of: path).lowercased()
            guard let form = Form(rawValue: ending) else {
                throw FileError(
                    "rows cannot be written under this name", path: path, expected: "a name that ends in .jsonl, .csv or .tsv",
                    found: ending.isEmpty ? "no ending" : ".\(ending)")
            }
            self = form
        }
    }

    /// Writes JSON lines or a table, as the file's name says.
    public func write(_ path: String) throws {
        switch try Form(of: path) {
        case .csv: try AtomicFile.write(path, table(","))
        case .tsv, .tab: try AtomicFile.write(path, table("\t"))
        case .jsonl, .ndjson: try AtomicFile.write(path, json.map { $0.serialized() + "\n" }.joined())
        }
    }

    /// A header and a line for each row: the row's own columns, then what is predicted; every class has a column with its probability.
    private func table(_ separator: String) -> String {
        var columns: [String] = []
        let all = json.map { row -> JSONObject in
            var flat: JSONObject = [:]
            for (key, value) in row.object ?? [:] {
                if key == "probabilities", let classes = value.object {
                    for label in classes.keys.sorted() { flat["probability_\(label)"] = classes[label] ?? .null }
                } else {
                    flat[key] = value
                }
            }
            for key in flat.keys where !columns.contains(key) { columns.append(key) }
            return flat
        }
        let lines = all.map { row in columns.map { Self.cell(row[$0] ?? .null, separator) } }
        return ([columns.map { Self.cell(.string($0), separator) }] + lines).map { $0.joined(separator: separator) + "\n" }.joined()
    }

    private static func cell(_ value: JSON, _ separator: String) -> String {
        let text = value.isNull ? "" : value.string ?? value.serialized()
        guard text.contains(where: { $0 == "\"" || $0.isNewline || String($0) == separator }) else { return text }
        // A tab-separated file is read without quotes, so breaks become spaces.
        if separator == "\t" { return String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 }) }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
