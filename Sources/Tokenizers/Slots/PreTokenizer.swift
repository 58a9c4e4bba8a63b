import QuintetFiles

/// Cuts text into words that are tokenized apart from each other: the `pre_tokenizer` of a tokenizer.json.
enum PreTokenizer: Sendable, Equatable {
    /// Bytes become visible characters; `usesPattern` also splits by GPT-2's regex.
    case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool)
    case step(WordStep)
    case sequence([PreTokenizer])

    /// The slot as written; nil for `null`.
    static func read(_ json: JSON, source: String, field: String = "pre_tokenizer") throws(FileError) -> PreTokenizer? {
        json.isNull ? nil : try PreTokenizer(json, source: source, field: field)
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        let place = SlotPlace(source: source, field: field)
        switch json["type"]?.string {
        case "ByteLevel":
            self = .byteLevel(
                addsPrefixSpace: json["add_prefix_space"]?.bool ?? true, usesPattern: json["use_regex"]?.bool ?? true)
        case "BertPreTokenizer": self = .step(.bert)
        case "Whitespace": self = .step(.wordRuns)
        case "WhitespaceSplit": self = .step(.spaces)
        case "UnicodeScripts": self = .step(.scripts)
        case "Digits": self = .step(.digits(individually: json["individual_digits"]?.bool ?? false, inByteAlphabet: false))
        case "Punctuation": self = .step(.punctuation(try place.behavior(json)))
        case "CharDelimiterSplit":
            self = .step(.split(.text(try place.character(json["delimiter"], "delimiter")), .removed, inverted: false))
        case "FixedLength": self = .step(.fixedLength(try place.length(json["length"], "length")))
        case "Metaspace": self = .step(.metaspace(try place.metaspace(json)))
        case "Split": self = .step(try Self.split(json, place))
        case "Sequence":
            var steps: [PreTokenizer] = []
            for (index, step) in (json["pretokenizers"]?.array ?? []).enumerated() {
                steps.append(try PreTokenizer(step, source: source, field: "\(field).pretokenizers[\(index)]"))
            }
            self = .sequence(steps)
        default: throw place.unknown("pre-tokenizer", json)
        }
    }

    /// Known regexes run in their hand-written form, others on the linear engine.
    private static func split(_ json: JSON, _ place: SlotPlace) throws(FileError) -> WordStep {
        let regex = json["pattern"]?["Regex"]?.string
        let behavior = try place.behavior(json)
        let isInverted = json["invert"]?.bool ?? false
        if regex == "[0-9][0-9][0-9]", behavior == .isolated { return .digitTriples }
        if regex == CLIPWords.regex, behavior == .removed, isInverted { return .clip }
        // The known patterns match all of a text, so Isolated and (inverted) Removed cut alike.
        if behavior == .isolated || behavior == .removed && isInverted,
            let pattern = regex.flatMap({ PreTokenizationPattern(regex: $0) }) { return .pattern(pattern) }
        return .split(try place.pattern(json["pattern"]), behavior, inverted: isInverted)
    }

    /// The slots in order, with nested sequences flattened.
    private var flattened: [PreTokenizer] {
        if case .sequence(let steps) = self { return steps.flatMap(\.flattened) }
        return [self]
    }

    /// The slot as what is done with a stretch of text.
    func plan() -> WordPlan {
        let slots = flattened
        let looksAtStandIns = Self.needsStandIns(slots)
        var steps: [WordStep] = []
        var alphabet = TokenModel.Alphabet.characters
        for slot in slots {
            switch slot {
            case .byteLevel(let addsPrefixSpace, let usesPattern):
                if addsPrefixSpace { steps.append(.prefixSpace) }
                if usesPattern { steps.append(.pattern(.gpt2)) }
                if looksAtStandIns { steps.append(.byteAlphabet) } else { alphabet = .bytes }
            case .step(.digits(let individually, _)):
                steps.append(.digits(individually: individually, inByteAlphabet: alphabet == .bytes))
            case .step(let step): steps.append(step)
            case .sequence: break
            }
        }
        return WordPlan(steps, alphabet: alphabet)
    }

    /// True if a step after `ByteLevel` must see the stand-ins themselves: all but splits by digits.
    private static func needsStandIns(_ slots: [PreTokenizer]) -> Bool {
        var isAfter = false
        for slot in slots {
            switch slot {
            case .byteLevel:
                if isAfter { return true }
                isAfter = true
            case .step(.digits), .step(.digitTriples), .sequence: break
            case .step: if isAfter { return true }
            }
        }
        return false
    }
}

/// What is done with text between the added tokens, decided once at load.
struct WordPlan: Sendable {
    /// How the text is cut first: the loops that must be fast.
    enum Lead: Sendable {
        /// Not at all: the text is one word.
        case none
        case pattern(PreTokenizationPattern)
        /// Before runs of U+2581, where no merge reaches over the cut.
        case metaspaceRuns
        /// A splitting `Metaspace`.
        case metaspace(Metaspace)
        case spaces
        case bert
        case other(WordStep)
    }

    var alphabet = TokenModel.Alphabet.characters
    var addsPrefixSpace = false
    var lead = Lead.none
    /// Steps that cut the words further; what they make of a word depends on the word alone.
    private(set) var rest: [WordStep] = []

    init(_ steps: [WordStep] = [], alphabet: TokenModel.Alphabet = .characters) {
        self.alphabet = alphabet
        var steps = steps[...]
        if case .prefixSpace = steps.first {
            addsPrefixSpace = true
            steps = steps.dropFirst()
        }
        guard let first = steps.first else { return }
        rest = Array(steps.dropFirst())
        switch first {
        case .pattern(let pattern): lead = .pattern(pattern)
        case .spaces: lead = .spaces
        case .bert: lead = .bert
        case .metaspace(var metaspace) where metaspace.splits:
            lead = .metaspace(metaspace)
            metaspace.prepending = .never
            rest.insert(.metaspace(metaspace), at: 0)
        default: lead = .other(first)
        }
    }

    /// True if the rest treats the first word of a text in a way of its own.
    var restDependsOnStart: Bool { rest.contains(where: \.dependsOnStart) }

    /// The known pattern that cuts the text, if it is one.
    var pattern: PreTokenizationPattern? {
        if case .pattern(let pattern) = lead { return pattern }
        return nil
    }

    /// True if a space after an ASCII letter is a cut whatever stands before.
    var hasSafeCuts: Bool {
        switch lead {
        case .pattern, .metaspaceRuns, .metaspace, .spaces, .bert: true
        case .none, .other: false
        }
    }
}
