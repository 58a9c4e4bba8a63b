internal import QuintetFiles

/// The running state of one `gather`: sends each draft through the steps, writes the rows, keeps the account.
struct GatherWork {
    var report = GatherReport()
    let options: Gather.Options
    private let path: String
    private let folder: AtomicDirectory
    private var steps: [any CleaningStep]
    private var documents: ShardedLines
    private var audit: ShardedLines
    private var quarantine: ShardedLines
    /// What stands for all of them where nothing is left.
    private var firstRefusal: Refusal?
    private var metrics: [UInt8] = []
    private let start = ContinuousClock.now
    private let bar: ProgressBar
    /// Bytes of the files that are done.
    private var filesDone = 0

    init(into path: String, _ options: Gather.Options, _ bar: ProgressBar) throws {
        self.bar = bar
        self.path = path
        self.options = options
        folder = try AtomicDirectory(final: path)
        steps = GatherSteps.all(options)
        report.steps = steps.map { GatherReport.Step(name: $0.name) }
        documents = ShardedLines("documents", limit: options.shardBytes, options.compression)
        audit = ShardedLines("audit", limit: options.shardBytes)
        quarantine = ShardedLines("quarantine", limit: options.shardBytes)
    }

    /// Moves the progress line: to the end of a file of `size` bytes, or for `within` bytes into one.
    mutating func show(_ size: Int = 0, within: Int = 0) {
        filesDone += size
        bar.update(filesDone + within, detail: "\(report.documentsOut) documents")
    }

    /// Sends one document through the steps and writes it, or the reason why not.
    mutating func process(_ draft: Draft) throws {
        var draft = draft
        report.documentsIn += 1
        var notes: [JSON] = []
        for index in steps.indices {
            let before = ContinuousClock.now
            let verdict = steps[index].judge(draft)
            report.steps[index].seconds += seconds(since: before)
            let name = steps[index].name
            switch verdict {
            case .keep: continue
            case .cut(let spans, let rule):
                report.steps[index].changed += 1
                notes.append(Self.cutNote(draft, spans, name, rule))
                draft.text = Self.removing(spans, from: draft.text)
            case .drop(let rule, let value, let threshold):
                report.steps[index].dropped += 1
                notes.append([
                    "step": .string(name), "rule": .string(rule), "action": "drop", "value": JSON(value), "threshold": JSON(threshold),
                    "text": .string(String(decoding: draft.text, as: UTF8.self)),
                ])
                return try write(notes, draft)
            }
        }
        try write(notes, draft)
        try write(draft)
    }

    private mutating func write(_ draft: Draft) throws {
        report.documentsOut += 1
        report.bytesOut += draft.text.count
        report.languages[draft.metadata["language"]?.string ?? draft.kind.label, default: 0] += 1
        let document = Document(
            id: draft.id, text: String(decoding: draft.text, as: UTF8.self), source: draft.source, added: draft.added,
            created: draft.created, metadata: draft.metadata)
        try documents.append(document.json, into: folder)
        if report.documentsOut % 10_000 == 0 { measure() }
    }

    /// Audit rows name the document by the id of its text as it came out of the last step.
    private mutating func write(_ notes: [JSON], _ draft: Draft) throws {
        for note in notes {
            var row: JSON = ["id": .string(draft.id), "source": .string(draft.source)]
            if let line = draft.line { row["line"] = JSON(line) }
            for (key, value) in note.object ?? [:] { row[key] = value }
            try audit.append(row, into: folder)
        }
    }

    /// The removed spans with their text, so that they can be put back.
    private static func cutNote(_ draft: Draft, _ spans: [Range<Int>], _ step: String, _ rule: String) -> JSON {
        let removed = spans.map { span -> JSON in
            [
                "start": JSON(span.lowerBound), "end": JSON(span.upperBound),
                "text": .string(String(decoding: draft.text[span], as: UTF8.self)),
            ]
        }
        return ["step": .string(step), "rule": .string(rule), "action": "cut", "spans": .array(removed)]
    }

    private static func removing(_ spans: [Range<Int>], from text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        for span in spans {
            out += text[at..<span.lowerBound]
            at = span.upperBound
        }
        return out + text[at...]
    }

    /// Puts a file or record that cannot be read aside, with its place and reason; under `strict` that ends the run.
    mutating func refuse(_ source: String, _ refusal: Refusal) throws {
        if options.strict {
            throw FileError(
                refusal.reason, path: source, offset: refusal.offset, found: refusal.detail, hint: "without --strict it is put aside",
                line: refusal.line)
        }
        report.documentsIn += 1
        report.quarantined[refusal.reason, default: 0] += 1
        firstRefusal = firstRefusal ?? refusal
        try quarantine.append(refusal.row(source), into: folder)
    }

    private mutating func measure() {
        let row: JSON = [
            "documents_in": JSON(report.documentsIn), "documents_out": JSON(report.documentsOut), "bytes_in": JSON(report.bytesIn),
            "bytes_out": JSON(report.bytesOut), "seconds": JSON(seconds(since: start)),
        ]
        metrics += (row.serialized() + "\n").utf8
    }

    private func seconds(since instant: ContinuousClock.Instant) -> Double {
        let parts = (ContinuousClock.now - instant).components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }

    /// Writes what is left and the report, checks the account, and gives the folder its name; where nothing is left, says so after that.
    mutating func finish() throws -> GatherReport {
        report.seconds = seconds(since: start)
        guard report.documentsIn == report.documentsOut + report.documentsDropped else {
            throw FileError(
                "the account does not add up; this is a defect in quintet", path: path, expected: "\(report.documentsIn) documents",
                found: "\(report.documentsOut) kept + \(report.documentsDropped) dropped")
        }
        try documents.finish(into: folder)
        try audit.finish(into: folder)
        try quarantine.finish(into: folder)
        measure()
        try folder.account("metrics.jsonl", metrics)
        try folder.account("report.html", report.html().utf8)
        try folder.account("report.json", (report.json.serialized(pretty: true) + "\n").utf8)
        try folder.commit()
        guard report.documentsOut > 0 else { throw nothingLeft() }
        return report
    }

    private func nothingLeft() -> FileError {
        var reasons = report.quarantined
        for step in report.steps where step.dropped > 0 { reasons[step.name] = step.dropped }
        let over = Gather.reasons(report.passedOver).map { "; passed over: " + $0 } ?? ""
        let first = firstRefusal?.detail.map { " (the first one has \($0))" } ?? ""
        let hasRows = report.passedOver.keys.contains { $0.hasSuffix("without text") }
        let hint = firstRefusal?.hint ?? (hasRows ? "name the field that holds the text with --text-field" : nil)
        return FileError(
            "no documents are left", path: path, found: "\(report.documentsIn) came in: " + (Gather.reasons(reasons) ?? "none") + first + over,
            hint: (hint.map { $0 + "; " } ?? "") + "audit/, quarantine/ and report.html in this folder tell why; remove it to run again")
    }
}
