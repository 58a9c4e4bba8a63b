import QuintetFiles
public import QuintetGeneration
import QuintetModels

/// Rows in, the same rows with what a classifier says about them out.
///
///     let run = PredictionRun(try Classifier.open("tuned"), fields: FieldNames(text: "body"))
///     let scored = try run.rows(of: "inbox.csv")
///     try scored.write("answers.csv")
///
/// A row needs a text (or words, for a model that names words); everything else in it is kept. Rows with labels are measured against.
public struct PredictionRun {
    private let classifier: Classifier
    private let fields: FieldNames

    public init(_ classifier: Classifier, fields: FieldNames = FieldNames()) { (self.classifier, self.fields) = (classifier, fields) }

    /// Reads JSON lines, a JSON array, CSV or TSV and scores every row.
    /// - Throws: `FileError` with the line of a row that has no text.
    public func rows(of path: String) throws -> ScoredRows {
        var inputs: [(row: JSONObject, text: JSONObject, position: DataRow.Position)] = []
        try DataFile(path: path).forEachRow { row, position in
            inputs.append((row, try fields.applied(to: row, path, position, isFirst: inputs.isEmpty), position))
        }
        let own = classifier.kind == .tokens ? ["predicted_tags", "probabilities"] : ["predicted", "probability", "probabilities"]
        for input in inputs {
            guard let name = own.first(where: { input.row[$0] != nil }) else { continue }
            throw FileError(
                "a row has a field that predictions are written to", path: path, field: name, hint: "rename it: rows keep their fields",
                line: input.position.isLine ? input.position.number : nil)
        }
        guard !inputs.isEmpty else { throw FileError("the file holds no rows", path: path, expected: "rows with a text") }
        func refused(_ reason: String, _ position: DataRow.Position) -> FileError {
            FileError(
                reason, path: path, expected: classifier.kind == .tokens ? "tokens: a list of words (or text)" : "text (or sentence)",
                hint: "--text-field NAME says which field is the text", line: position.isLine ? position.number : nil)
        }
        if classifier.kind == .tokens {
            let words = try inputs.map { input in
                guard let words = Self.words(input.text), !words.isEmpty else { throw refused("no words in a row", input.position) }
                return words
            }
            let tags = try classifier.tag(words)
            return ScoredRows(inputs.indices.map { .words(inputs[$0].row, words[$0], tags[$0], Self.tags(inputs[$0].text)) })
        }
        let texts = try inputs.map { input in
            guard let text = (input.text["text"] ?? input.text["sentence"])?.string, !text.isEmpty else { throw refused("no text in a row", input.position) }
            return text
        }
        let answers = try classifier.classify(texts)
        return ScoredRows(inputs.indices.map { index in
            let label = inputs[index].text["label"].flatMap { $0.isNull || $0.string == "" ? nil : Labels.name($0) }
            return .text(inputs[index].row, texts[index], answers[index], label)
        })
    }

    /// Scores texts that are typed; words are what stands between spaces.
    public func rows(_ texts: [String]) throws -> ScoredRows {
        guard classifier.kind == .tokens else { return ScoredRows(zip(texts, try classifier.classify(texts)).map { .text(["text": .string($0)], $0, $1, nil) }) }
        let words = texts.map { $0.split(whereSeparator: \.isWhitespace).map { String($0) } }
        return ScoredRows(zip(words, try classifier.tag(words)).map { .words(["tokens": .array($0.map { .string($0) })], $0, $1, nil) })
    }

    private static func words(_ row: JSONObject) -> [String]? {
        if let list = row["tokens"]?.array { return list.compactMap(\.string).count == list.count ? list.compactMap(\.string) : nil }
        return (row["text"] ?? row["sentence"])?.string?.split(whereSeparator: \.isWhitespace).map { String($0) }
    }

    private static func tags(_ row: JSONObject) -> [String]? {
        for key in ["tags", "ner_tags", "labels"] { if let tags = row[key]?.array { return tags.map(Labels.name) } }
        return nil
    }
}
