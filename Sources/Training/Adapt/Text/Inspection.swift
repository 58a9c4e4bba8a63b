public import QuintetFiles
import QuintetGeneration
import QuintetReports
import QuintetTokenizers

/// Exactly which tokens an adaptation learns from: for a terminal in color, for a browser, for programs.
public struct Inspection {
    private let input: AdaptInput
    private let count: Int

    /// The first `count` samples are shown.
    public init(_ input: AdaptInput, count: Int) {
        self.input = input
        self.count = max(0, count)
    }

    /// What happens to the tokens that count.
    private var verb: String { input.objective.head == nil ? "learned" : "scored" }

    private var samples: ArraySlice<Sample> { input.train.prefix(count) }

    /// Samples with learned tokens in green, given ones gray; without color they stand in [[ ]].
    public func terminal(color: Bool) -> String {
        var out = input.lines.map { $0 + "\n" }.joined()
        let (begin, end, given, plain) = color ? ("\u{1b}[30;42m", "\u{1b}[0m", "\u{1b}[90m", "\u{1b}[0m") : ("[[", "]]", "", "")
        for (sample, text, name) in shown {
            out += "\n\(sample.position)\(name): \(text.ids.count) tokens, \(text.learnedCount) \(verb)\(note(sample, text))\n"
            for run in runs(text) { out += run.learned ? begin + visible(run.text) + end : given + visible(run.text) + plain }
            out += "\n"
        }
        return out
    }

    /// One page with every token apart, its id on hovering.
    public func html() -> String {
        var body = ReportPage.facts("Data", input.lines.enumerated().map { ("\($0 + 1)", $1) })
        body += "<style>.tok{border-radius:3px;padding:0 1px}.on{background:#2da44e55}.off{opacity:.55}</style>\n"
        for (sample, text, name) in shown {
            let tokens = pieces(text).enumerated().map { index, piece in
                let title = "\(text.ids[index])\(text.learned[index] ? ", \(verb)" : "")"
                return "<span class=\"tok \(text.learned[index] ? "on" : "off")\" title=\"\(title)\">\(escaped(piece))</span>"
            }
            body += """
                <section class="card"><h2>\(escaped("\(sample.position)\(name)"))</h2><p>\(text.ids.count) tokens, \(text.learnedCount) \(verb)\(escaped(note(sample, text)))</p>
                <pre>\(tokens.joined())</pre></section>

                """
        }
        return ReportPage.html(
            title: "What is learned", summary: verb == "scored" ? "Green tokens are those whose states are scored." : "Green tokens are predicted and learned from; gray ones are given.", body: body,
            footer: "Written by quintet adapt inspect.")
    }

    public var json: JSON {
        var out = input.json
        out["samples"] = .array(
            shown.map { sample, text, name in
                [
                    "file": .string(sample.position.file), "row": JSON(sample.position.number), "part": .string(name.isEmpty ? "text" : String(name.dropFirst(2))),
                    "ids": .array(text.ids.map { JSON($0) }), "learned": .array(text.learned.map { .bool($0) }),
                    "tokens": .array(text.ids.map { .string(input.encoder.chat.tokenizer.token(of: $0) ?? "") }),
                    "learned_text": .string(zip(pieces(text), text.learned).map { $1 ? $0 : "" }.joined()),
                    "truncated": JSON(text.cut), "label": label(sample),
                ]
            })
        return out
    }

    /// Texts one by one; of a preference both.
    private var shown: [(sample: Sample, text: EncodedText, name: String)] {
        samples.flatMap { sample in
            sample.texts.enumerated().map { (sample, $1, sample.texts.count == 2 ? ["  chosen", "  rejected"][$0] : "") }
        }
    }

    private func label(_ sample: Sample) -> JSON {
        switch sample.target {
        case .text: .null
        case .label(let index): input.objective.head.map { .string($0.labels.names[index]) } ?? .null
        case .value(let value): JSON(value)
        case .tags(let tags): .array(tags.map { tag in tag < 0 ? .null : input.objective.head.map { .string($0.labels.names[Int(tag)]) } ?? .null })
        }
    }

    private func note(_ sample: Sample, _ text: EncodedText) -> String {
        let label = label(sample)
        var words = label.isNull ? "" : ", label \(label.string ?? label.serialized())"
        if let tags = label.array { words = ", tags " + tags.compactMap(\.string).joined(separator: " ") }
        return words + (text.cut > 0 ? ", cut to fit" : "")
    }

    /// Each token's own text; a character of several tokens is that of the last of them.
    private func pieces(_ text: EncodedText) -> [String] {
        var decoder = input.encoder.chat.tokenizer.makeStreamingDecoder(skipSpecialTokens: false)
        var pieces = text.ids.map { decoder.append($0) }
        if !pieces.isEmpty { pieces[pieces.count - 1] += decoder.finish() }
        return pieces
    }

    /// Stretches of tokens that are all learned or all given.
    private func runs(_ text: EncodedText) -> [(text: String, learned: Bool)] {
        var runs: [(text: String, learned: Bool)] = []
        for (piece, learned) in zip(pieces(text), text.learned) {
            if runs.last?.learned == learned { runs[runs.count - 1].text += piece } else { runs.append((piece, learned)) }
        }
        return runs
    }

    /// Text that cannot steer a terminal.
    private func visible(_ text: String) -> String {
        text.unicodeScalars.map { $0.value >= 32 && $0.value != 127 && !(0x80...0x9f).contains($0.value) || $0 == "\n" || $0 == "\t" ? String($0) : "\u{fffd}" }.joined()
    }
}
