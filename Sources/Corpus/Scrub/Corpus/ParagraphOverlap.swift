internal import QuintetFiles

/// Cuts paragraphs of which more than `max_overlap` of the runs of words stood in the collection before, in the order of the files: dolma's search for
/// paragraphs that overlap in part.
///
/// The first occurrence of a run of words is the original, all later ones are copies, also within a document. A paragraph with fewer
/// than two runs is compared whole. Not among the default steps: it costs 16 bytes for each run, and a pass.
struct ParagraphOverlap: KeyedStep {
    static let name = "paragraph_overlap"
    static let isDefault = false
    static let settings: [(key: String, value: JSON)] = [
        ("unit", "line"), ("n_grams", 6), ("stride", 1), ("max_overlap", 0.5), ("min_characters", 30), ("min_document_characters", 1),
    ]
    let kinds = DocumentKinds.text
    let namesKeepers = false
    private let unit: Piece
    private let n, stride, shortest, rest: Int
    private let limit: Double?
    typealias Row = PieceRow

    init(_ values: StepValues) throws {
        unit = try values.choice("unit")
        n = try values.count("n_grams", from: 1, to: 64)
        stride = try values.count("stride", from: 1, to: 64)
        limit = try values.share("max_overlap")
        shortest = try values.count("min_characters")
        rest = try values.count("min_document_characters")
    }

    /// The runs of words of each piece that is long enough, as hashes; of a piece with fewer than two the hash of the whole.
    private func runs(_ page: Page) -> [(piece: Range<Int>, hashes: [UInt64])] {
        page.withWords { text, words, _ in
            guard let p = text.baseAddress else { return [] }
            var found: [(Range<Int>, [UInt64])] = []
            var next = 0
            for piece in unit.split(text) {
                var inside: [Words.Word] = []
                while next < words.count, Int(words[next].start) < piece.upperBound {
                    if !words[next].isSpace { inside.append(words[next]) }
                    next += 1
                }
                let core = Lines.trimmed(text, piece)
                guard characters(p, core.lowerBound, core.upperBound) >= shortest else { continue }
                var hashes = self.hashes(text, inside)
                if hashes.count < 2 { hashes = [XXHash64.hash(p + core.lowerBound, core.count)] }
                found.append((piece, hashes))
            }
            return found
        }
    }

    /// Of the first two runs, and then of every `stride`th, as dolma takes them.
    private func hashes(_ text: UnsafeBufferPointer<UInt8>, _ words: [Words.Word]) -> [UInt64] {
        var hashes: [UInt64] = []
        var scratch: [UInt8] = []
        for start in 0..<max(0, words.count - n + 1) where start == 0 || (start - 1) % stride == 0 {
            scratch.removeAll(keepingCapacity: true)
            for word in words[start..<(start + n)] {
                scratch.append(contentsOf: text[Int(word.start)..<Int(word.end)])
                scratch.append(32)
            }
            hashes.append(scratch.withUnsafeBufferPointer { XXHash64.hash($0) })
        }
        return hashes
    }

    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8]) {
        var number: UInt32 = 0
        for (_, hashes) in runs(page) {
            for hash in hashes {
                Row(hash: hash, document: index, number: number).append(to: &records)
                number += 1
            }
        }
    }

    /// All but the first of their kind are copies.
    func find(in rows: ArraySlice<Row>, _ found: inout [Finding]) {
        for row in rows.dropFirst() { found.append(Finding(document: row.document, number: row.number)) }
    }

    /// The numbers of the runs, 4 bytes each.
    func payload(_ findings: ArraySlice<Finding>, _ census: Census) -> [UInt8] {
        var payload: [UInt8] = []
        for finding in findings { payload.append(number: finding.number) }
        return payload
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        guard let limit else { return .keep }
        let copies = payload.withUnsafeBytes { raw in Set(Swift.stride(from: 0, to: raw.count - 3, by: 4).map { raw.u32($0) }) }
        var edits: [Edit] = []
        var left = page.length
        var number: UInt32 = 0
        for (piece, hashes) in runs(page) {
            var seen = 0
            for _ in hashes {
                if copies.contains(number) { seen += 1 }
                number += 1
            }
            guard Double(seen) > limit * Double(hashes.count) else { continue }
            edits.append(Edit(start: piece.lowerBound, end: piece.upperBound, with: [], rule: "overlapping_paragraph"))
            left -= page.text.withUnsafeBufferPointer { text in text.baseAddress.map { characters($0, piece.lowerBound, piece.upperBound) } ?? 0 }
        }
        if left < rest { return .drop(rule: "only_overlapping_paragraphs", value: Double(left), threshold: Double(rest)) }
        return edits.isEmpty ? .keep : .change(edits)
    }
}
