internal import QuintetFiles

/// Cuts lines (or paragraphs) that stand in many documents: navigation, notices, boilerplate.
///
/// A line that more than `max_documents` documents hold goes everywhere (Llama 3 took lines seen more than 6 times), so that
/// no order of the files matters. A document that such lines make up more than `max_share` of is left alone: it is a copy of others,
/// and which copy stays is for the search for near-duplicates to say. With `keep_first` the first document in the order of the files keeps it, as dolma does.
struct LineDuplicates: CorpusStep {
    static let name = "line_duplicates"
    static let settings: [(key: String, value: JSON)] = [
        ("unit", "line"), ("max_documents", 6), ("min_characters", 30), ("keep_first", false), ("max_share", 0.5), ("min_document_characters", 1),
    ]
    let kinds = DocumentKinds.text
    let namesKeepers = false
    private let unit: Piece
    private let keepsFirst: Bool
    private let limit, shortest, rest: Int
    private let share: Double?
    /// 8 bytes of hash, 4 of number within the unit, 4 of line.
    private static let row = 16

    init(_ values: StepValues) throws {
        unit = try values.choice("unit")
        limit = try values.count("max_documents", from: 1)
        shortest = try values.count("min_characters")
        keepsFirst = try values.flag("keep_first")
        share = try values.share("max_share")
        rest = try values.count("min_document_characters")
    }

    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8]) {
        page.text.withUnsafeBufferPointer { text in
            var seen: Set<UInt64> = []
            for (number, piece) in unit.split(text).enumerated() {
                let core = Lines.trimmed(text, piece)
                guard let p = text.baseAddress, characters(p, core.lowerBound, core.upperBound) >= shortest else { continue }
                let hash = XXHash64.hash(p + core.lowerBound, core.count)
                // Within a document a line counts once; with keep_first each repetition is judged.
                if !keepsFirst, !seen.insert(hash).inserted { continue }
                records.append(number: hash)
                records.append(number: index)
                records.append(number: UInt32(truncatingIfNeeded: number))
            }
        }
    }

    private struct Row {
        var hash: UInt64
        var document: Int
        var line: UInt32
    }

    /// Document and line of what goes, 12 bytes each; the line is a hash to be found again unless `keep_first`.
    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8] {
        var rows: [Row] = []
        try census.forEachRow(Self.row) { first, raw in
            let hash = raw.u64(0)
            guard Int(truncatingIfNeeded: (hash >> 20) % UInt64(parts)) == part else { return }
            rows.append(Row(hash: hash, document: first + Int(raw.u32(8)), line: raw.u32(12)))
        }
        rows.sort { a, b in
            if a.hash != b.hash { return a.hash < b.hash }
            return a.document != b.document ? a.document < b.document : a.line < b.line
        }
        var out: [UInt8] = []
        var start = 0
        while start < rows.count {
            var end = start
            while end < rows.count, rows[end].hash == rows[start].hash { end += 1 }
            if end - start > limit {
                for row in rows[(keepsFirst ? start + max(1, limit) : start)..<end] {
                    out.append(number: UInt64(row.document))
                    out.append(number: row.hash)
                    out.append(number: row.line)
                    out.append(number: UInt32(clamping: end - start))
                }
            }
            start = end
        }
        return out
    }

    func combine(_ results: [[UInt8]], _ census: Census) throws -> [Int: [CorpusVerdict]] {
        var found: [(document: Int, hash: UInt64, line: UInt32, count: UInt32)] = []
        for result in results {
            result.withUnsafeBytes { raw in
                for at in stride(from: 0, to: raw.count - 23, by: 24) {
                    found.append((Int(raw.u64(at)), raw.u64(at + 8), raw.u32(at + 16), raw.u32(at + 20)))
                }
            }
        }
        found.sort { ($0.document, $0.line, $0.hash) < ($1.document, $1.line, $1.hash) }
        var verdicts: [Int: [CorpusVerdict]] = [:]
        var start = 0
        while start < found.count {
            var end = start
            var payload: [UInt8] = []
            while end < found.count, found[end].document == found[start].document {
                payload.append(number: found[end].hash)
                payload.append(number: found[end].line)
                end += 1
            }
            let place = census.place(found[start].document)
            verdicts[place.unit, default: []].append((place.index, payload))
            start = end
        }
        return verdicts
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        var hashes: Set<UInt64> = []
        var lines: Set<UInt32> = []
        payload.withUnsafeBytes { raw in
            for at in stride(from: 0, to: raw.count - 11, by: 12) {
                hashes.insert(raw.u64(at))
                lines.insert(raw.u32(at + 8))
            }
        }
        return page.text.withUnsafeBufferPointer { text in
            var edits: [Edit] = []
            var left = page.length
            for (number, piece) in unit.split(text).enumerated() {
                let core = Lines.trimmed(text, piece)
                guard let p = text.baseAddress, hashes.contains(XXHash64.hash(p + core.lowerBound, core.count)) else { continue }
                if keepsFirst, !lines.contains(UInt32(truncatingIfNeeded: number)) { continue }
                edits.append(Edit(start: piece.lowerBound, end: piece.upperBound, with: [], rule: "repeated_line"))
                left -= characters(p, piece.lowerBound, piece.upperBound)
            }
            if let share, Double(page.length - left) > share * Double(page.length) { return .keep }
            if left < rest { return .drop(rule: "only_repeated_lines", value: Double(left), threshold: Double(rest)) }
            return edits.isEmpty ? .keep : .change(edits)
        }
    }
}
