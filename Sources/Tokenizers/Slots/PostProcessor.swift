import QuintetFiles

/// Puts special tokens around the ids of a text: the `post_processor` of a tokenizer.json.
enum PostProcessor: Sendable, Equatable {
    case around(before: [Int32], after: [Int32])
    case sequence([PostProcessor])

    /// The slot as written; nil for `null`.
    static func read(_ json: JSON, source: String, field: String = "post_processor") throws(FileError) -> PostProcessor? {
        json.isNull ? nil : try PostProcessor(json, source: source, field: field)
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        switch json["type"]?.string {
        case "ByteLevel":  // changes offsets only
            self = .around(before: [], after: [])
        case "TemplateProcessing":
            self = try Self.template(json, source: source, field: field)
        case "RobertaProcessing", "BertProcessing":
            let before = try Self.id(json["cls"]?[1], source, field + ".cls[1]")
            let after = try Self.id(json["sep"]?[1], source, field + ".sep[1]")
            self = .around(before: [before], after: [after])
        case "Sequence":
            var steps: [PostProcessor] = []
            for (index, step) in (json["processors"]?.array ?? []).enumerated() {
                steps.append(try PostProcessor(step, source: source, field: "\(field).processors[\(index)]"))
            }
            self = .sequence(steps)
        default:
            throw FileError(
                "this post-processor is not supported", path: source, field: field + ".type",
                expected: "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or Sequence",
                found: json["type"]?.serialized() ?? json.kind)
        }
    }

    /// The `single` template: special tokens and one sequence A.
    private static func template(_ json: JSON, source: String, field: String) throws(FileError) -> PostProcessor {
        var before: [Int32] = []
        var after: [Int32] = []
        var sawText = false
        for (index, piece) in (json["single"]?.array ?? []).enumerated() {
            if let name = piece["SpecialToken"]?["id"]?.string {
                let place = "\(field).special_tokens.\(name).ids"
                guard let ids = json["special_tokens"]?[name]?["ids"]?.array else {
                    throw FileError("a special token of the template is not defined", path: source, field: place)
                }
                for value in ids {
                    let id = try id(value, source, place)
                    if sawText { after.append(id) } else { before.append(id) }
                }
            } else if piece["Sequence"]?["id"]?.string == "A", !sawText {
                sawText = true
            } else {
                throw FileError(
                    "not a template piece", path: source, field: "\(field).single[\(index)]",
                    expected: "a SpecialToken, or Sequence A once", found: piece.serialized())
            }
        }
        return .around(before: before, after: after)
    }

    private static func id(_ json: JSON?, _ source: String, _ field: String) throws(FileError) -> Int32 {
        guard let id = json?.int, let small = Int32(exactly: id), small >= 0 else {
            throw FileError("not a token id", path: source, field: field, found: json?.serialized() ?? "nothing")
        }
        return small
    }

    /// Ids before and after the text's own.
    var frame: (before: [Int32], after: [Int32]) {
        switch self {
        case .around(let before, let after): (before, after)
        case .sequence(let steps):
            steps.reduce(into: (before: [Int32](), after: [Int32]())) { frame, step in
                let inner = step.frame
                frame = (inner.before + frame.before, frame.after + inner.after)
            }
        }
    }
}
