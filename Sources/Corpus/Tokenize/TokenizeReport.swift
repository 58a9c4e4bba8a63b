public import QuintetFiles

/// What a run of `tokenize` made: `report.json` and the command's summary.
public struct TokenizeReport: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        public var documents = 0
        public var tokens = 0
        public var textBytes = 0

        var json: JSON { ["documents": JSON(documents), "tokens": JSON(tokens), "text_bytes": JSON(textBytes)] }
    }

    public var train = Part()
    /// By the part of the mix that documents belong to.
    public var sources: [String: Part] = [:]
    /// Rows that could not be read, by reason.
    public var quarantined: [String: Int] = [:]
    public var packing = PackingStatistics()
    public var validation = Part()
    public var vocabularySize = 0
    public var seconds = 0.0

    public var documents: Int { train.documents + validation.documents }
    public var tokens: Int { train.tokens + validation.tokens }
    public var textBytes: Int { train.textBytes + validation.textBytes }
    public var bytesPerToken: Double { tokens > 0 ? Double(textBytes) / Double(tokens) : 0 }

    mutating func add(_ split: Split, tokens: Int, bytes: Int, source: String) {
        func added(_ part: Part) -> Part {
            Part(documents: part.documents + 1, tokens: part.tokens + tokens, textBytes: part.textBytes + bytes)
        }
        if split == .train { train = added(train) } else { validation = added(validation) }
        sources[source] = added(sources[source] ?? Part())
        if split == .train { packing.add(tokens) }
    }

    public var json: JSON {
        var mixed = JSONObject()
        for (name, part) in sources.sorted(by: { Folder.precedes($0.key, $1.key) }) { mixed[name] = part.json }
        var aside = JSONObject()
        for (reason, count) in quarantined.sorted(by: { Folder.precedes($0.key, $1.key) }) { aside[reason] = JSON(count) }
        return [
            "sources": .object(mixed), "packing": packing.json,
            "train": train.json, "validation": validation.json, "vocabulary_size": JSON(vocabularySize),
            "quarantined": .object(aside), "bytes_per_token": JSON((bytesPerToken * 1e4).rounded() / 1e4), "seconds": JSON((seconds * 1e3).rounded() / 1e3),
        ]
    }

    /// A few lines for people.
    public var summary: String {
        func line(_ name: String, _ part: Part) -> String { "  \(name): \(part.documents) documents, \(part.tokens) tokens" }
        let rate = seconds > 0 ? Double(textBytes) / seconds / 1e6 : 0
        let lines = [
            "\(tokens) tokens from \(documents) documents, \((bytesPerToken * 100).rounded() / 100) bytes per token, "
                + "in \(ProgressBar.duration(seconds)) (\((rate * 10).rounded() / 10) MB/s)",
            line("training", train), line("validation", validation),
        ] + quarantined.sorted(by: { Folder.precedes($0.key, $1.key) }).map { "  not readable, \($0.key): \($0.value)" }
        return lines.joined(separator: "\n")
    }
}
