internal import QuintetFiles

/// The files of a unit while they are written.
struct UnitOutput {
    var stats = UnitStats()
    /// Lines of the input file before the unit, once they had to be counted.
    var linesBefore: Int?
    private let folder: AtomicDirectory
    private let documents: FileWriter
    private let audits: FileWriter
    private var quarantines: FileWriter?
    private var ids = DocumentIDs.Writer()
    private var records: [UInt8] = []
    private var count: UInt32 = 0
    private var scratch: [UInt8] = []

    init(_ folder: AtomicDirectory, isLast: Bool) throws {
        self.folder = folder
        documents = try folder.open(isLast ? "documents.jsonl" : "documents.frames")
        audits = try folder.open("audit.jsonl")
    }

    static func magnitude(_ bytes: Int) -> Int { bytes == 0 ? 0 : bytes.bitWidth - 1 - bytes.leadingZeroBitCount }

    mutating func audit(_ row: JSON) throws { try line(row, audits) }

    mutating func quarantine(_ row: JSON) throws {
        let writer = try quarantines ?? folder.open("quarantine.jsonl")
        quarantines = writer
        try line(row, writer)
    }

    private mutating func line(_ row: JSON, _ writer: FileWriter) throws {
        scratch.removeAll(keepingCapacity: true)
        row.write(into: &scratch)
        scratch.append(10)
        try writer.write(scratch)
    }

    /// Keeps the document for the next pass.
    mutating func keep(_ page: Page, _ ordinal: UInt32, _ step: any CorpusStep) throws {
        if page.kind.isSubset(of: step.kinds) { step.collect(page, count, into: &records) } else { step.skip(count, into: &records) }
        ids.append(page.id)
        scratch.removeAll(keepingCapacity: true)
        Frames.append(page, ordinal, to: &scratch)
        try documents.write(scratch)
        count += 1
    }

    /// The document is done.
    mutating func finish(_ page: Page) throws {
        page.detected?.note(in: &page.metadata)
        stats.add("documents_out")
        stats.add("bytes_out", page.text.count)
        stats.add("length_out/\(Self.magnitude(page.text.count))")
        stats.add("language/" + (page.metadata["language"]?.string ?? "unknown"))
        try line(page.document.json, documents)
    }

    mutating func example(_ rule: String, _ value: Double, _ detail: String?, _ step: String, _ page: Page) {
        let name = "\(step)/\(rule)"
        guard stats.examples[name, default: []].count < UnitStats.examplesPerRule else { return }
        var row: JSON = ["id": .string(page.id), "source": .string(page.source), "value": JSON(value), "text": .string(Self.excerpt(page.text[...], 240))]
        if let detail { row["detail"] = .string(String(detail.prefix(200))) }
        stats.examples[name, default: []].append(row)
    }

    /// What was private stays so: of redactions the report shows the kind alone.
    mutating func example(_ edits: [Edit], _ step: String, _ page: Page) {
        let isPrivate = step == PersonalData.name || step == SecretKeys.name
        for edit in edits {
            let name = "\(step)/\(edit.rule)"
            guard stats.examples[name, default: []].count < UnitStats.examplesPerRule else { continue }
            let text = isPrivate ? "(\(edit.end - edit.start) bytes)" : Self.excerpt(page.text[edit.start..<edit.end], 240)
            stats.examples[name, default: []].append(["id": .string(page.id), "source": .string(page.source), "text": .string(text)])
        }
    }

    private static func excerpt(_ text: ArraySlice<UInt8>, _ limit: Int) -> String {
        if text.count <= limit { return String(decoding: text, as: UTF8.self) }
        var end = text.startIndex + limit
        while end > text.startIndex, text[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: text[text.startIndex..<end], as: UTF8.self) + "…"
    }

    func finish(_ closing: (any CorpusStep)?) throws {
        try folder.finish(documents)
        try folder.finish(audits)
        if let quarantines { try folder.finish(quarantines) }
        if let closing {
            try folder.file("records.bin") { try $0.write(closing.arranged(records, documents: Int(count))) }
            try folder.file("ids.bin") { try ids.write(to: $0) }
        }
        var stats = stats
        stats.counts["kept"] = Int(count)
        try folder.file("stats.json") { try $0.write(stats.json.serialized() + "\n") }
    }
}

/// The verdicts of a unit in the order of its documents.
struct Verdicts {
    private var all: [UInt32: [UInt8]] = [:]

    init(_ path: String) throws {
        guard Folder.isFile(path) else { return }
        let bytes = try readFile(path)
        var at = 0
        while at + 8 <= bytes.count {
            let (index, size) = bytes[at..<(at + 8)].withUnsafeBytes { ($0.u32(0), Int($0.u32(4))) }
            at += 8
            guard at + size <= bytes.count else { throw FileError("the file ends too early", path: path, offset: at) }
            all[index] = Array(bytes[at..<(at + size)])
            at += size
        }
    }

    mutating func take(_ index: UInt32) -> [UInt8]? { all.isEmpty ? nil : all[index] }

    static func write(_ verdicts: [CorpusVerdict]) -> [UInt8] {
        var out: [UInt8] = []
        for verdict in verdicts {
            out.append(number: verdict.index)
            out.append(number: UInt32(truncatingIfNeeded: verdict.payload.count))
            out += verdict.payload
        }
        return out
    }
}
