import QuintetFiles

/// Cuts text into words that merge apart from each other: the `pre_tokenizer` of a tokenizer.json.
enum PreTokenizer: Sendable, Equatable {
    /// Bytes become visible characters; `usesPattern` also splits by GPT-2's regex.
    case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool)
    case split(PreTokenizationPattern)
    case sequence([PreTokenizer])

    /// The slot as written; nil for `null`.
    static func read(_ json: JSON, source: String, field: String = "pre_tokenizer") throws(FileError) -> PreTokenizer? {
        json.isNull ? nil : try PreTokenizer(json, source: source, field: field)
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        switch json["type"]?.string {
        case "ByteLevel":
            self = .byteLevel(
                addsPrefixSpace: json["add_prefix_space"]?.bool ?? true, usesPattern: json["use_regex"]?.bool ?? true)
        case "Split":
            self = .split(try Self.pattern(json, source: source, field: field))
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in (json["pretokenizers"]?.array ?? []).enumerated() {
                steps.append(try PreTokenizer(step, source: source, field: "\(field).pretokenizers[\(index)]"))
            }
            self = .sequence(steps)
        default:
            throw FileError(
                "this pre-tokenizer is not supported", path: source, field: field + ".type",
                expected: "ByteLevel, Split or Sequence", found: json["type"]?.serialized() ?? json.kind)
        }
    }

    private static func pattern(_ json: JSON, source: String, field: String) throws(FileError) -> PreTokenizationPattern {
        let regex = json["pattern"]?["Regex"]?.string ?? ""
        guard let pattern = PreTokenizationPattern(regex: regex) else {
            throw FileError(
                "this split pattern is not one of the known ones, and unknown regexes are not run", path: source,
                field: field + ".pattern", expected: PreTokenizationPattern.allCases.map(\.rawValue).joined(separator: ", "),
                found: json["pattern"]?.serialized() ?? "nothing")
        }
        // Every known pattern matches all of a text, so Isolated and (inverted) Removed cut alike; others do not.
        let behavior = json["behavior"]?.string ?? "Isolated"
        let isPlain = behavior.lowercased() == "isolated" || behavior.lowercased() == "removed" && json["invert"]?.bool == true
        guard isPlain else {
            throw FileError(
                "this split behavior is not supported", path: source, field: field + ".behavior", expected: "Isolated",
                found: behavior)
        }
        return pattern
    }

    /// The steps in order, with nested sequences flattened.
    private var steps: [PreTokenizer] {
        if case .sequence(let steps) = self { return steps.flatMap(\.steps) }
        return [self]
    }

    /// The slot as one pass over the text, for the forms that tokenizers use.
    func plan(source: String) throws(FileError) -> WordPlan {
        var plan = WordPlan()
        for step in steps {
            let isDone = plan.alphabet == .bytes
            switch step {
            case .split(let pattern) where plan.pattern == nil && !isDone:
                plan.pattern = pattern
            case .byteLevel(let addsPrefixSpace, let usesPattern) where !isDone && !(usesPattern && plan.pattern != nil):
                plan.alphabet = .bytes
                plan.addsPrefixSpace = addsPrefixSpace && plan.pattern == nil
                if usesPattern { plan.pattern = .gpt2 }
                guard !(addsPrefixSpace && !plan.addsPrefixSpace) else { throw Self.unsupported(source) }
            default:
                throw Self.unsupported(source)
            }
        }
        return plan
    }

    private static func unsupported(_ source: String) -> FileError {
        FileError(
            "this combination of pre-tokenizers is not supported", path: source, field: "pre_tokenizer",
            expected: "ByteLevel, or one Split and then ByteLevel")
    }
}

/// What is done with text between the added tokens, decided once at load.
struct WordPlan: Sendable {
    var alphabet = BPEModel.Alphabet.characters
    var addsPrefixSpace = false
    /// nil: all of the text is one word.
    var pattern: PreTokenizationPattern?
    /// No merge reaches over the start of a run of U+2581, so text without a pattern may be cut there all the same.
    var cutsAtMetaspace = false
}
