import QuintetLayers

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

    public init(title: String, summary: String, facts: [(name: String, value: String)] = [], license: String? = nil, tags: [String] = []) {
        self.title = title
        self.summary = summary
        self.facts = facts
        self.license = license
        self.tags = tags
    }

    func text(family: Family, spec: TransformerSpec) -> String {
        var lines = ["---", "library_name: transformers", "pipeline_tag: text-generation"]
        if let license { lines.append("license: \(oneLine(license))") }
        lines += ["tags:"] + (["quintet", family.name] + tags).map { "- \(oneLine($0))" }
        lines += ["---", "", "# \(oneLine(title))", "", summary, "", "| | |", "|---|---|"]
        for (name, value) in architecture(family, spec) + facts { lines.append("| \(cell(name)) | \(cell(value)) |") }
        lines += ["", "## Use", "", "```sh", "quintet generate . --prompt \"Once upon a time\"", "```", "", "```python"]
        lines += ["from transformers import AutoModelForCausalLM, AutoTokenizer", "model = AutoModelForCausalLM.from_pretrained(\".\")"]
        lines += ["tokenizer = AutoTokenizer.from_pretrained(\".\")", "```", ""]
        return lines.joined(separator: "\n")
    }

    private func architecture(_ family: Family, _ spec: TransformerSpec) -> [(name: String, value: String)] {
        var rows = [
            ("Architecture", family.architecture), ("Parameters", grouped(spec.parameterCount)), ("Layers", "\(spec.layers.count)"),
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
