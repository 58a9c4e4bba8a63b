internal import QuintetFiles

/// Cuts lines (or paragraphs) that stand in many documents: navigation, notices, boilerplate.
///
/// A line that more than `max_documents` documents hold goes everywhere (Llama 3 took lines seen more than 6 times), so that
/// no order of the files matters. A document that such lines make up more than `max_share` of is left alone: it is a copy of others,
/// and which copy stays is for the search for near-duplicates to say. With `keep_first` the first document in the order of the files keeps it, as dolma does.
struct LineDuplicates: KeyedStep {
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
    typealias Row = PieceRow

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
                Row(hash: hash, document: index, number: UInt32(truncatingIfNeeded: number)).append(to: &records)
            }
        }
    }

    func find(in rows: ArraySlice<Row>, _ found: inout [Finding]) {
        guard rows.count > limit else { return }
        for row in rows.dropFirst(keepsFirst ? max(1, limit) : 0) { found.append(Finding(document: row.document, number: row.number, hash: row.hash)) }
    }

    /// Hash and number of each line, 12 bytes; the line is found again by its hash unless `keep_first`.
    func payload(_ findings: ArraySlice<Finding>, _ census: Census) -> [UInt8] {
        var payload: [UInt8] = []
        for finding in findings {
            payload.append(number: finding.hash)
            payload.append(number: finding.number)
        }
        return payload
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
