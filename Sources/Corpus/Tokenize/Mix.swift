public import QuintetFiles
import QuintetReports

/// How often documents are taken, by where they come from: 2 twice, 0.5 every other one, 0 never.
///
/// Which of them a broken weight takes depends on each document's id alone. Repeats come in later rounds over the collection, so
/// that they do not stand side by side.
public struct Mix: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        /// The beginning of a source, or `key:value` of the metadata, such as "language:swift".
        public var name: String
        public var weight: Double
    }

    public var parts: [Part] = []

    public init() {}

    /// `wiki=2,language:swift=0.5`: the first part that fits a document counts, and 1 for the rest.
    public init(_ text: String) throws(FileError) {
        for item in text.split(separator: ",") {
            guard let equals = item.lastIndex(of: "="), let weight = Double(item[item.index(after: equals)...]), weight.isFinite,
                (0...1000).contains(weight), equals > item.startIndex
            else { throw FileError("bad weight", field: "mix", expected: "SOURCE=WEIGHT with a weight from 0 to 1000", found: String(item)) }
            parts.append(Part(name: String(item[..<equals]), weight: weight))
        }
    }

    /// The part that a document belongs to, by name; "rest" where none fits.
    func part(of document: Document) -> (name: String, weight: Double) {
        for part in parts {
            if document.source.hasPrefix(part.name) { return (part.name, part.weight) }
            if let colon = part.name.firstIndex(of: ":"),
                document.metadata[String(part.name[..<colon])]?.string == String(part.name[part.name.index(after: colon)...]) {
                return (part.name, part.weight)
            }
        }
        return ("rest", 1)
    }

    /// Rounds over the collection that the largest weight asks for.
    var rounds: Int { max(1, Int((parts.map(\.weight).max() ?? 1).rounded(.up))) }

    /// Whether a document of this weight is taken in a round, counted from 0.
    static func takes(_ id: String, weight: Double, round: Int) -> Bool {
        let whole = Int(weight)
        if round < whole { return true }
        // Another place than the one that decides on validation.
        return round == whole && HoldOut.position(of: "mix " + id) < weight - Double(whole)
    }
}

/// Which parts of a mix documents were found for, and what they might have been named by.
struct MixUsage {
    private static let limit = 12
    private var used: Set<String> = []
    private var sources: Set<String> = []
    private var metadata: Set<String> = []

    mutating func add(_ document: Document, to part: String) {
        used.insert(part)
        if sources.count < Self.limit { sources.insert(document.source) }
        guard metadata.count < Self.limit else { return }
        for key in ["language", "format", "licence", "license", "source"] {
            if let value = document.metadata[key]?.string { metadata.insert("\(key):\(value)") }
        }
    }

    /// Throws where a part of the mix fits no document: it is misspelt, most likely.
    func check(_ mix: Mix, _ source: String) throws(FileError) {
        let missing = mix.parts.map(\.name).filter { !used.contains($0) }
        if missing.isEmpty { return }
        let known = sources.sorted(by: Folder.precedes) + metadata.sorted(by: Folder.precedes)
        throw FileError(
            "no document fits a part of the mix", path: source, field: "mix", found: missing.joined(separator: ", "),
            hint: "there are, among others: " + known.joined(separator: ", "))
    }
}

/// How long documents are, and how they lie in windows of a training sequence.
public struct PackingStatistics: Sendable, Equatable {
    /// Documents by their number of tokens.
    private(set) var lengths: [Int: Int] = [:]

    mutating func add(_ tokens: Int) { lengths[tokens, default: 0] += 1 }

    private var documents: Int { lengths.values.reduce(0, +) }
    private var tokens: Int { lengths.reduce(0) { $0 + $1.key * $1.value } }

    /// The length that this share of the documents does not pass.
    func quantile(_ share: Double) -> Int {
        let place = Quantile.place(share, of: documents)
        var seen = 0
        for (length, count) in lengths.sorted(by: { $0.key < $1.key }) {
            seen += count
            if seen > place { return length }
        }
        return 0
    }

    /// For windows of a few lengths: how many there are, documents that begin in one on average, and the share of documents that
    /// lie in one window whole when documents follow one another without gaps.
    public var json: JSON {
        let windows = [256, 512, 1024, 2048, 4096, 8192].map { size -> JSON in
            let count = tokens / size
            // A document of length l crosses no border at size - l + 1 of the size places it may begin at.
            let whole = lengths.reduce(0.0) { $0 + Double($1.value) * max(0, Double(size - $1.key + 1)) / Double(size) }
            func rounded(_ value: Double) -> JSON { .number((value * 1e4).rounded() / 1e4) }
            return [
                "sequence": JSON(size), "windows": JSON(count), "tokens_left_over": JSON(tokens - count * size),
                "documents_per_window": rounded(count > 0 ? Double(documents) / Double(count) : 0),
                "documents_uncut": rounded(documents > 0 ? whole / Double(documents) : 0),
            ]
        }
        return [
            "document_tokens": ["median": JSON(quantile(0.5)), "p90": JSON(quantile(0.9)), "p99": JSON(quantile(0.99)), "max": JSON(lengths.keys.max() ?? 0)],
            "windows": .array(windows),
        ]
    }
}
