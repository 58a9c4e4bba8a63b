internal import Dispatch
internal import QuintetFiles
public import QuintetTokenizers

/// Documents in, token shards out: each document's ids closed by the end-of-text token, whole documents held out for validation.
///
/// The folder appears whole or not at all, and its shards are the same bytes for any number of threads. The tokenizer's files
/// lie beside them.
///
/// ```swift
/// let report = try Tokenize().run("corpus", tokenizer: try Tokenizer.load("tokenizer"), into: "shards")
/// let data = try TokenDataset("shards")
/// ```
public struct Tokenize {
    public struct Options: Sendable {
        /// Share of the documents held out for validation; at least one document is, unless this is 0.
        public var validationShare = 0.02
        /// Tokens per shard file.
        public var shardTokens = 1 << 25
        public var threads = 1
        /// How often documents are taken, by where they come from.
        public var mix = Mix()
        /// Stop at the first row that cannot be read instead of setting it aside.
        public var strict = false
        /// No progress line.
        public var quiet = false
        public init() {}
    }

    private let options: Options

    public init(_ options: Options = Options()) { self.options = options }

    @discardableResult
    public func run(_ source: String, tokenizer: Tokenizer, into path: String) throws -> TokenizeReport {
        guard options.validationShare >= 0, options.validationShare < 1 else {
            throw FileError("impossible share", field: "validation", expected: "0 or more, below 1", found: "\(options.validationShare)")
        }
        try OutputPlace.check(path, apartFrom: [source])
        guard let eos = tokenizer.eosID else {
            throw FileError(
                "the tokenizer has no end-of-text token", path: tokenizer.source, field: "eos_token",
                hint: "a tokenizer_config.json beside it names one of its tokens, which closes each document; a rank file has no special tokens: use the model's tokenizer.json")
        }
        try AtomicFile.removeLeftovers(of: path)
        var holdOut = HoldOut(share: options.validationShare)
        // A second pass happens only where chance left a side empty: with a handful of documents.
        while true {
            var work = try TokenizeWork(source, tokenizer, eos, path, holdOut, options)
            try work.readAll()
            guard let better = work.betterHoldOut else { return try work.finish() }
            holdOut = better
        }
    }
}

/// The running state of one pass over the documents.
struct TokenizeWork {
    private let source: String
    private let tokenizer: Tokenizer
    private let eos: Int32
    private let holdOut: HoldOut
    private let options: Tokenize.Options
    private let writer: DatasetWriter
    private var quarantine = ShardedLines("quarantine", limit: 32 << 20)
    private var usage = MixUsage()
    private var waiting: [Document] = []
    private var waitingBytes = 0
    private var report = TokenizeReport()
    private var lowest: (position: Double, id: String)?
    private var highest: (position: Double, id: String)?
    private let start = ContinuousClock.now
    private let bar: ProgressBar
    private let total: Int

    init(
        _ source: String, _ tokenizer: Tokenizer, _ eos: Int32, _ path: String, _ holdOut: HoldOut, _ options: Tokenize.Options
    ) throws {
        self.source = source
        self.tokenizer = tokenizer
        self.eos = eos
        self.holdOut = holdOut
        self.options = options
        total = try Document.files(source).reduce(0) { $0 + ((try? Folder.size(of: $1)) ?? 0) }
        bar = ProgressBar(label: "tokenize", total: total, unit: "bytes", quiet: options.quiet)
        writer = try DatasetWriter(
            into: path, tokenizer: tokenizer.fingerprint, vocabularySize: tokenizer.vocabularySize, endOfText: eos,
            tokenBytes: tokenBytes(tokenizer), holdOut: holdOut, shardTokens: options.shardTokens)
    }

    mutating func readAll() throws {
        for round in 0..<options.mix.rounds {
            try Document.forEach(in: source, refused: { if round == 0 { try refuse($0) } }) { document in
                let part = options.mix.part(of: document)
                if round == 0 { usage.add(document, to: part.name) }
                guard Mix.takes(document.id, weight: part.weight, round: round) else { return }
                // What is held out is held out once.
                if round > 0, holdOut.method == .documents, holdOut.split(of: document.id) == .validation { return }
                waiting.append(document)
                waitingBytes += document.text.utf8.count
                if waitingBytes >= 8 << 20 { try encodeWaiting() }
            }
        }
        try usage.check(options.mix, source)
        try encodeWaiting()
        bar.update(total, detail: "\(report.tokens) tokens")
        bar.finish()
    }

    /// Sets a row aside that cannot be read; under `strict` that ends the run.
    private mutating func refuse(_ error: FileError) throws {
        if options.strict {
            var error = error
            error.hint = "without --strict it is set aside"
            throw error
        }
        report.quarantined[error.what, default: 0] += 1
        let place = error.path ?? source
        try quarantine.append(Refusal(error).row(place), into: writer.folder)
    }

    private mutating func encodeWaiting() throws {
        try StopSignal.check()
        let parts = waiting.flatMap(parts)
        let ids = encoded(parts.map(\.text))
        for (part, ids) in zip(parts, ids) { try write(part, ids) }
        (waiting, waitingBytes) = ([], 0)
        bar.update(report.textBytes, detail: "\(report.tokens) tokens")
    }

    private struct Part {
        var id: String
        var text: String
        var split: Split
        var source: String
    }

    /// A document as what is encoded in one go: itself, or for the only document what comes before and after the cut.
    private func parts(_ document: Document) -> [Part] {
        guard holdOut.method == .tail else {
            return [Part(id: document.id, text: document.text, split: holdOut.split(of: document.id), source: options.mix.part(of: document).name)]
        }
        let (head, tail) = holdOut.cut(document.text)
        return [
            Part(id: document.id, text: head, split: .train, source: options.mix.part(of: document).name),
            Part(id: document.id, text: tail, split: .validation, source: options.mix.part(of: document).name),
        ]
    }

    /// Ids of each text, special tokens of the template added; text that looks like a special token stays text.
    private func encoded(_ texts: [String]) -> [[Int32]] {
        var ids = [[Int32]](repeating: [], count: texts.count)
        let tokenizer = tokenizer
        let threads = max(1, min(options.threads, texts.count))
        ids.withUnsafeMutableBufferPointer { slots in
            // Each slot is written by one thread only.
            nonisolated(unsafe) let slots = slots
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                for i in stride(from: thread, to: texts.count, by: threads) {
                    slots[i] = tokenizer.encode(texts[i], specials: .asText)
                }
            }
        }
        return ids
    }

    private mutating func write(_ part: Part, _ ids: [Int32]) throws {
        let closed = ids.last == eos ? ids : ids + [eos]
        let bytes = part.text.utf8.count
        try writer.append(closed, id: part.id, textBytes: bytes, split: part.split)
        report.add(part.split, tokens: closed.count, bytes: bytes, source: part.source)
        let position = HoldOut.position(of: part.id)
        if position < lowest?.position ?? 2 { lowest = (position, part.id) }
        if position > highest?.position ?? -1 { highest = (position, part.id) }
    }

    /// Another way to split where this one left a side empty, else nil.
    var betterHoldOut: HoldOut? {
        guard options.validationShare > 0, holdOut.method == .documents, holdOut.forced.isEmpty, let lowest, let highest else {
            return nil
        }
        if report.documents == 1 { return HoldOut(share: options.validationShare, method: .tail) }
        var better = holdOut
        if report.validation.documents == 0 { better.forced[lowest.id] = .validation }
        if report.train.documents == 0, highest.id != lowest.id { better.forced[highest.id] = .train }
        return better.forced.isEmpty ? nil : better
    }

    mutating func finish() throws -> TokenizeReport {
        guard report.train.tokens > 0 else {
            let aside = Gather.reasons(report.quarantined).map { "; set aside: " + $0 } ?? ""
            throw FileError("no documents to train on", path: source, found: "\(report.documents) documents" + aside, hint: "gather more text")
        }
        let parts = (ContinuousClock.now - start).components
        report.seconds = Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
        report.vocabularySize = tokenizer.vocabularySize
        for file in tokenizer.files { try writer.folder.file(file.name) { out in try out.write(file.text) } }
        if !report.quarantined.isEmpty { try quarantine.finish(into: writer.folder) }
        try writer.folder.account("report.json", (report.json.serialized(pretty: true) + "\n").utf8)
        try writer.finish()
        return report
    }
}
