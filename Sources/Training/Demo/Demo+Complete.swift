import QuintetCorpus
import QuintetFiles

/// What a model made of the beginning of a real text, beside how that text goes on.
public struct Completion: Sendable, Equatable {
    public var source: String
    public var prompt: String
    public var written: String
    public var truth: String

    var sample: RunReport.Sample {
        RunReport.Sample("how it goes on with \(Folder.name(of: source)), which it has never seen", prompt: prompt, text: written)
    }
}

extension Demo {
    /// Lets the model go on with two held-out texts and shows both continuations.
    func complete(_ pretrainer: Pretrainer) throws -> [Completion] {
        try prefixes(pretrainer.dataset.holdOut, count: 2).map { place in
            let written = try pretrainer.write(place.prompt, tokens: 64)
            let completion = Completion(
                source: place.source, prompt: place.prompt, written: Self.lines(written, 7), truth: Self.lines(place.truth, 7))
            show(completion)
            return completion
        }
    }

    private func show(_ completion: Completion) {
        detail("\(Folder.name(of: completion.source)), given:\n" + ProgressObserver.indented(completion.prompt))
        detail("the model goes on:\n" + ProgressObserver.indented(Self.trimmed(completion.written)))
        detail("the file goes on:\n" + ProgressObserver.indented(Self.trimmed(completion.truth)))
    }

    private struct Place {
        var source: String
        var prompt: String
        var truth: String
    }

    /// Beginnings of held-out documents: before a short function's body, else the middle of the text.
    private func prefixes(_ holdOut: HoldOut, count: Int) throws -> [Place] {
        var functions: [Place] = []
        var others: [Place] = []
        try Document.forEach(in: documents) { document in
            guard functions.count < count else { return }
            var text = document.text
            if holdOut.method == .tail { text = holdOut.cut(text).1 } else if holdOut.split(of: document.id) != .validation { return }
            if let place = Self.function(in: text, document.source) { functions.append(place) } else if others.count < count {
                let half = text.index(text.startIndex, offsetBy: text.count / 2)
                others.append(
                    Place(source: document.source, prompt: String(text[..<half].suffix(300)), truth: String(text[half...].prefix(300))))
            }
        }
        return Array((functions + others).prefix(count))
    }

    /// The first function of two to six lines with something before it: its head as prompt, its body as truth.
    private static func function(in text: String, _ source: String) -> Place? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.contains("func ") && line.hasSuffix("{") && index >= 3 {
            let indent = line.prefix { $0 == " " }.count
            let body = lines[(index + 1)...].prefix(8)
            guard let end = body.firstIndex(where: { $0.drop { $0 == " " }.hasPrefix("}") && $0.prefix { $0 == " " }.count == indent }),
                (2...6).contains(end - index)
            else { continue }
            // The prompt ends before the line break: a tokenizer keeps line break and indentation together.
            let head = lines[max(0, index - 8)...index].joined(separator: "\n")
            return Place(source: source, prompt: String(head.suffix(500)), truth: "\n" + lines[(index + 1)...end].joined(separator: "\n"))
        }
        return nil
    }

    private static func trimmed(_ text: String) -> String { String(text.drop { $0 == "\n" }) }

    private static func lines(_ text: String, _ count: Int) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).prefix(count).joined(separator: "\n")
    }
}
