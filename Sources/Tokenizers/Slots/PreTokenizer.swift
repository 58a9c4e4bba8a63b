import QuintetFiles

/// Cuts text into words that merge apart from each other: the `pre_tokenizer` of a tokenizer.json.
enum PreTokenizer: Sendable, Equatable {
    /// Bytes become visible characters; `usesPattern` also splits by GPT-2's regex.
    case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool)
    case split(PreTokenizationPattern)
    case digits(individually: Bool)
    case punctuation(individually: Bool)
    /// `[0-9][0-9][0-9]`, isolated.
    case digitTriples
    /// CLIP's words, spaces removed.
    case clip
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
            self = try Self.split(json, source: source, field: field)
        case "Digits":
            self = .digits(individually: json["individual_digits"]?.bool ?? false)
        case "Punctuation":
            let behavior = json["behavior"]?.string ?? "Isolated"
            guard behavior == "Isolated" || behavior == "Contiguous" else {
                throw FileError(
                    "this behavior is not supported", path: source, field: field + ".behavior",
                    expected: "Isolated or Contiguous", found: behavior)
            }
            self = .punctuation(individually: behavior == "Isolated")
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in (json["pretokenizers"]?.array ?? []).enumerated() {
                steps.append(try PreTokenizer(step, source: source, field: "\(field).pretokenizers[\(index)]"))
            }
            self = .sequence(steps)
        default:
            throw FileError(
                "this pre-tokenizer is not supported", path: source, field: field + ".type",
                expected: "ByteLevel, Split, Digits, Punctuation or Sequence", found: json["type"]?.serialized() ?? json.kind)
        }
    }

    private static func split(_ json: JSON, source: String, field: String) throws(FileError) -> PreTokenizer {
        let regex = json["pattern"]?["Regex"]?.string ?? ""
        let behavior = json["behavior"]?.string ?? "Isolated"
        let isInverted = json["invert"]?.bool ?? false
        if regex == "[0-9][0-9][0-9]", behavior == "Isolated" { return .digitTriples }
        if regex == CLIPWords.regex, behavior == "Removed", isInverted { return .clip }
        guard let pattern = PreTokenizationPattern(regex: regex) else {
            throw FileError(
                "this split pattern is not one of the known ones, and unknown regexes are not run", path: source,
                field: field + ".pattern", expected: PreTokenizationPattern.allCases.map(\.rawValue).joined(separator: ", "),
                found: json["pattern"]?.serialized() ?? "nothing")
        }
        // Every known pattern matches all of a text, so Isolated and (inverted) Removed cut alike; others do not.
        let isPlain = behavior == "Isolated" || behavior == "Removed" && isInverted
        guard isPlain else {
            throw FileError(
                "this split behavior is not supported", path: source, field: field + ".behavior", expected: "Isolated",
                found: behavior)
        }
        return .split(pattern)
    }

    /// The steps in order, with nested sequences flattened.
    private var steps: [PreTokenizer] {
        if case .sequence(let steps) = self { return steps.flatMap(\.steps) }
        return [self]
    }

    /// The slot as what is done with a stretch of text: one known pattern (the fast way), or steps that cut ever finer.
    func plan(source: String) throws(FileError) -> WordPlan {
        var plan = WordPlan()
        for step in steps {
            switch step {
            case .byteLevel(let addsPrefixSpace, let usesPattern):
                guard plan.alphabet == .characters, !addsPrefixSpace || plan.steps.isEmpty else { throw Self.unsupported(source) }
                plan.alphabet = .bytes
                plan.addsPrefixSpace = addsPrefixSpace
                if usesPattern { plan.steps.append(.pattern(.gpt2)) }
            case .digits(let individually):
                plan.steps.append(.digits(individually: individually, inByteAlphabet: plan.alphabet == .bytes))
            case .digitTriples: plan.steps.append(.digitTriples)
            case .split(let pattern) where plan.alphabet == .characters: plan.steps.append(.pattern(pattern))
            case .punctuation(let individually) where plan.alphabet == .characters:
                plan.steps.append(.punctuation(individually: individually))
            case .clip where plan.alphabet == .characters: plan.steps.append(.clip)
            default: throw Self.unsupported(source)
            }
        }
        if plan.steps.count == 1, case .pattern(let pattern) = plan.steps[0] {
            plan.pattern = pattern
            plan.steps = []
        }
        return plan
    }

    private static func unsupported(_ source: String) -> FileError {
        FileError(
            "this combination of pre-tokenizers is not supported", path: source, field: "pre_tokenizer",
            expected: "splits of text, then ByteLevel, then splits by digits")
    }
}

/// What is done with text between the added tokens, decided once at load.
struct WordPlan: Sendable {
    var alphabet = BPEModel.Alphabet.characters
    var addsPrefixSpace = false
    /// The one pattern that cuts the text; nil with no steps: all of the text is one word.
    var pattern: PreTokenizationPattern?
    /// Several steps, each cutting the words of the one before.
    var steps: [WordStep] = []
    /// No merge reaches over the start of a run of U+2581, so text without a pattern may be cut there all the same.
    var cutsAtMetaspace = false
}
