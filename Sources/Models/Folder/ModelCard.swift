public import QuintetLayers

/// The README.md of a model folder: what the model is, what it learned from, how to use it.
public struct ModelCard: Sendable {
    public var title: String
    /// One paragraph in plain words.
    public var summary: String
    /// Rows of a table: training data, tokens, loss, hardware, whatever is known.
    public var facts: [(name: String, value: String)]
    /// An SPDX-like name for the front matter; nil leaves it out.
    public var license: String?
    public var tags: [String]
    /// The model it was made from.
    public var base: String?
    /// What it does, in the hub's words, and the class that `transformers` opens it with.
    public var use = Use.writes
    /// Where it is not the spec's: a layer that scores stands in the vocabulary's place.
    public var parameters: Int?
    /// Sections of Markdown after the table: settings, scores, lineage.
    public var sections: [(title: String, text: String)] = []

    public enum Use: Sendable, Equatable {
        case writes
        /// Scores whole texts.
        case scoresTexts
        /// Scores each token.
        case scoresTokens
        /// An adapter over its base, for `peft`.
        case adapts
        /// The same with a layer that scores.
        case adaptsAndScores(ScoreLayer.Kind, labels: Int)

        /// What it scores; nil for those that write.
        var scores: ScoreLayer.Kind? {
            switch self {
            case .writes, .adapts: nil
            case .scoresTexts: .classification
            case .scoresTokens: .tokens
            case .adaptsAndScores(let kind, _): kind
            }
        }

        var isAdapter: Bool { if case .adaptsAndScores = self { true } else { self == .adapts } }

        var pipeline: String { scores.map { $0 == .tokens ? "token-classification" : "text-classification" } ?? "text-generation" }

        var autoClass: String {
            (isAdapter ? "AutoPeftModelFor" : "AutoModelFor") + (scores.map { $0 == .tokens ? "TokenClassification" : "SequenceClassification" } ?? "CausalLM")
        }

        /// What the class has to be told beside the folder.
        var arguments: String { if case .adaptsAndScores(_, let labels) = self { ", num_labels=\(labels)" } else { "" } }

        func command(_ prompt: String) -> String {
            scores == nil ? "quintet generate . --prompt \"\(prompt)\"" : "quintet adapt predict . --text \"\(prompt)\""
        }
    }

    /// A sentence where `transformers` cannot open it, or reads it otherwise.
    public var caution: String?

    public init(title: String, summary: String, facts: [(name: String, value: String)] = [], license: String? = nil, tags: [String] = []) {
        self.title = title
        self.summary = summary
        self.facts = facts
        self.license = license
        self.tags = tags
    }

    /// The README.md of a model of this spec.
    public func text(family: Family, spec: TransformerSpec) -> String {
        var lines = ["---", "library_name: \(use.isAdapter ? "peft" : "transformers")", "pipeline_tag: \(use.pipeline)"]
        if let license { lines.append("license: \(oneLine(license))") }
        if let base { lines.append("base_model: \(oneLine(base))") }
        lines += ["tags:"] + (["quintet", family.name] + tags).map { "- \(oneLine($0))" }
        lines += ["---", "", "# \(oneLine(title))", "", summary, "", "| | |", "|---|---|"]
        for (name, value) in architecture(family, spec) + facts { lines.append("| \(cell(name)) | \(cell(value)) |") }
        for section in sections { lines += ["", "## \(oneLine(section.title))", "", section.text] }
        lines += ["", "## Use", ""]
        lines += ["```sh", use.command("Once upon a time"), "```", ""]
        if let caution { lines += [caution, ""] }
        if let kind = use.scores, family.scoringClass(kind) == nil {
            lines.append("`transformers` has no class for this: \(family.usualScoringClass(kind)) is not there.")
            return lines.joined(separator: "\n") + "\n"
        }
        let library = use.isAdapter ? "from peft import \(use.autoClass)\nfrom transformers import AutoTokenizer" : "from transformers import \(use.autoClass), AutoTokenizer"
        lines += ["```python", library, "model = \(use.autoClass).from_pretrained(\".\"\(use.arguments))"]
        lines.append("tokenizer = AutoTokenizer.from_pretrained(\".\")")
        if use.scores == .tokens {
            // A tokenizer told that words come one by one may glue them: other ids than the model was trained on.
            lines += ["inputs = tokenizer(\" \".join(words), return_offsets_mapping=True, return_tensors=\"pt\")", "# a word's tag is that of its first token"]
        }
        lines += ["```", ""]
        return lines.joined(separator: "\n")
    }

    private func architecture(_ family: Family, _ spec: TransformerSpec) -> [(name: String, value: String)] {
        var rows = [
            ("Architecture", use.scores.flatMap(family.scoringClass) ?? family.architecture), ("Parameters", grouped(parameters ?? spec.parameterCount)), ("Layers", "\(spec.layers.count)"),
            ("Width", "\(spec.width)"), ("Vocabulary", grouped(spec.vocabulary)), ("Context", "\(grouped(spec.context)) tokens"),
        ]
        if case .attention(let attention)? = spec.layers.first?.mixer {
            rows.insert(("Heads", "\(attention.heads) (\(attention.kvHeads) for keys and values)"), at: 4)
        }
        return rows
    }

    private func oneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
    private func cell(_ text: String) -> String { oneLine(text).split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
}

/// 1234567 as "1,234,567".
public func grouped(_ number: Int) -> String {
    var digits = Array(String(number.magnitude))
    for index in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: index) }
    return (number < 0 ? "-" : "") + String(digits)
}
