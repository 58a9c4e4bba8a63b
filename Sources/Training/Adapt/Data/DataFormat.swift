import QuintetFiles

/// One shape of rows that people have: which fields it needs, and how a row becomes an example.
///
/// A format is one entry of `DataFormats.all`; the first whose fields a file's first row has is the file's format.
public struct DataFormat: Sendable {
    public let name: String
    /// Fields that tell the format, in words.
    public let fields: String
    let matches: @Sendable (JSONObject) -> Bool
    /// - Throws: `RowProblem` where the row lacks something.
    let read: @Sendable (JSONObject) throws(RowProblem) -> Example
}

/// What keeps a row from being an example.
package struct RowProblem: Error {
    package let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Every format, the most particular ones first.
public enum DataFormats {
    public static let all: [DataFormat] = [
        unpaired, preference, messages, sharegpt, promptCompletion, alpaca, tagged, labelled, text,
    ]

    /// The format of a row; nil where it is none.
    static func of(_ row: JSONObject) -> DataFormat? { all.first { $0.matches(row) } }

    /// All formats in one sentence, for errors and `--help`.
    public static var summary: String { all.filter { $0.name != unpaired.name }.map { "\($0.name) (\($0.fields))" }.joined(separator: "; ") }

    /// KTO's rows, told apart from prompt and completion so that nobody trains on rejected answers by mistake.
    private static let unpaired = DataFormat(
        name: "unpaired preference", fields: "prompt, completion, label",
        matches: { $0["completion"] != nil && $0["label"]?.bool != nil || $0["kto_tag"] != nil },
        read: { _ throws(RowProblem) in throw RowProblem("rows of single judged answers (KTO) have no objective yet; give pairs of chosen and rejected") })

    private static let preference = DataFormat(
        name: "preference", fields: "chosen, rejected and prompt, strings or lists of messages",
        matches: { $0["chosen"] != nil && $0["rejected"] != nil }, read: { row throws(RowProblem) in try PreferenceRow.example(row) })

    private static let messages = DataFormat(
        name: "messages", fields: "messages: [{role, content}], tools", matches: { $0["messages"] != nil },
        read: { row throws(RowProblem) in
            .conversation(Conversation(try Messages.read(row["messages"] ?? .null, "messages"), tools: try Messages.tools(row)))
        })

    private static let sharegpt = DataFormat(
        name: "sharegpt", fields: "conversations: [{from, value}], system, tools", matches: { $0["conversations"] != nil },
        read: { row throws(RowProblem) in
            .conversation(Conversation(try Messages.shared(row), tools: try Messages.tools(row)))
        })

    private static let promptCompletion = DataFormat(
        name: "prompt-completion", fields: "prompt, completion", matches: { $0["prompt"] != nil && $0["completion"] != nil },
        read: { row throws(RowProblem) in
            guard let prompt = row["prompt"]?.array else {
                return .completion(prompt: try field(row, "prompt"), completion: try field(row, "completion", empty: false))
            }
            let given = try Messages.read(.array(prompt), "prompt")
            let said = try Messages.read(row["completion"] ?? .null, "completion")
            return .conversation(Conversation(given + said, tools: try Messages.tools(row), learnedFrom: given.count))
        })

    private static let alpaca = DataFormat(
        name: "alpaca", fields: "instruction, input, output, system, history", matches: { $0["instruction"] != nil && $0["output"] != nil },
        read: { row throws(RowProblem) in
            var messages: [JSON] = []
            if let system = row["system"]?.string, !system.isEmpty { messages.append(Conversation.message("system", system)) }
            for turn in row["history"]?.array ?? [] {
                guard let asked = turn[0]?.string, let said = turn[1]?.string else { throw RowProblem("history: expected pairs of texts") }
                messages += [Conversation.message("user", asked), Conversation.message("assistant", said)]
            }
            let input = row["input"]?.string ?? ""
            let instruction = try field(row, "instruction")
            messages.append(Conversation.message("user", input.isEmpty ? instruction : instruction + "\n" + input))
            messages.append(Conversation.message("assistant", try field(row, "output", empty: false)))
            return .conversation(Conversation(messages))
        })

    private static let tagged = DataFormat(
        name: "tagged words", fields: "tokens and tags (or ner_tags, labels)", matches: { $0["tokens"]?.array != nil && tags(of: $0) != nil },
        read: { row throws(RowProblem) in
            let words = (row["tokens"]?.array ?? []).compactMap(\.string)
            guard let tags = tags(of: row), words.count == row["tokens"]?.array?.count, words.count == tags.count, !words.isEmpty else {
                throw RowProblem("tokens and tags: expected two lists of the same length")
            }
            return .tagged(words: words, tags: tags)
        })

    private static let labelled = DataFormat(
        name: "labelled text", fields: "text (or sentence) and label", matches: { textField($0) != nil && $0["label"] != nil },
        read: { row throws(RowProblem) in
            guard let key = textField(row), let label = row["label"], !label.isNull else { throw RowProblem("no label") }
            if label.array != nil || label.object != nil { throw RowProblem("label: expected a text or a number, found \(label.kind)") }
            if label.string == "" { throw RowProblem("label: it is empty") }
            return .labelled(text: try field(row, key, empty: false), label: label)
        })

    private static let text = DataFormat(
        name: "text", fields: "text", matches: { $0["text"] != nil },
        read: { row throws(RowProblem) in .text(try field(row, "text", empty: false)) })

    private static func tags(of row: JSONObject) -> [JSON]? {
        for key in ["tags", "ner_tags", "labels"] { if let tags = row[key]?.array { return tags } }
        return nil
    }

    private static func textField(_ row: JSONObject) -> String? { ["text", "sentence"].first { row[$0] != nil } }
}

/// A field that has to be a text.
func field(_ row: JSONObject, _ name: String, empty: Bool = true) throws(RowProblem) -> String {
    guard let value = row[name], !value.isNull else { throw RowProblem("the field \"\(name)\" is missing") }
    guard let text = value.string else { throw RowProblem("\(name): expected a text, found \(value.kind)") }
    if !empty, text.isEmpty { throw RowProblem("\(name): it is empty") }
    return text
}
