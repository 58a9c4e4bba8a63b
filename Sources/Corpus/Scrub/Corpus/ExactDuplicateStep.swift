internal import QuintetFiles

/// Keeps one of documents with the same text, or the same address (128 bits of SHA-256); which one does not depend on the order of the files.
struct ExactDuplicateStep: CorpusStep {
    static let name = "exact_duplicates"
    static let settings: [(key: String, value: JSON)] = [("by", "text")]
    let kinds = DocumentKinds.all
    /// What has to be the same.
    private enum Key: String, CaseIterable { case text, url }
    private let key: Key
    /// 16 bytes of digest, 8 of key, 8 of number within the unit.
    private static let row = 32

    init(_ values: StepValues) throws { key = try values.choice("by") }

    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8]) {
        guard let digest = digest(page) else { return }
        records.append(number: digest.0)
        records.append(number: digest.1)
        records.append(number: Precedence.key(page))
        records.append(number: UInt64(index))
    }

    /// nil for a document without an address, where addresses count.
    private func digest(_ page: Page) -> (UInt64, UInt64)? {
        switch key {
        case .text: Page.digest(page.text)
        case .url: page.address.map { Page.digest(Array($0.utf8)) }
        }
    }

    private struct Row {
        var high: UInt64
        var low: UInt64
        var key: UInt64
        var document: Int
    }

    /// Pairs of document numbers: the one that goes, the one that stays.
    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8] {
        var rows: [Row] = []
        try census.forEachRow(Self.row) { first, raw in
            let high = raw.u64(0)
            guard Int(truncatingIfNeeded: high % UInt64(parts)) == part else { return }
            rows.append(Row(high: high, low: raw.u64(8), key: raw.u64(16), document: first + Int(raw.u64(24))))
        }
        rows.sort { a, b in
            if a.high != b.high { return a.high < b.high }
            if a.low != b.low { return a.low < b.low }
            return a.key != b.key ? a.key < b.key : a.document < b.document
        }
        var out: [UInt8] = []
        var kept = 0
        for i in rows.indices.dropFirst() {
            if rows[i].high == rows[kept].high, rows[i].low == rows[kept].low {
                out.append(number: UInt64(rows[i].document))
                out.append(number: UInt64(rows[kept].document))
            } else {
                kept = i
            }
        }
        return out
    }

    func combine(_ results: [[UInt8]], _ census: Census) throws -> [Int: [CorpusVerdict]] {
        var pairs: [(gone: Int, kept: Int)] = []
        for result in results {
            result.withUnsafeBytes { raw in
                for at in stride(from: 0, to: raw.count - 15, by: 16) { pairs.append((Int(raw.u64(at)), Int(raw.u64(at + 8)))) }
            }
        }
        return Keepers.verdicts(pairs.map { ($0.gone, $0.kept, 2) }, census)
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        .drop(rule: "same_" + key.rawValue, value: 1, threshold: 0, detail: Keepers.id(payload))
    }
}

/// Verdicts that drop a document in favor of another: the payload names the other by unit and place, which the next pass turns into its id.
enum Keepers {
    static func verdicts(_ drops: [(gone: Int, kept: Int, size: Int)], _ census: Census) -> [Int: [CorpusVerdict]] {
        var verdicts: [Int: [CorpusVerdict]] = [:]
        for drop in drops.sorted(by: { $0.gone < $1.gone }) {
            let (gone, kept) = (census.place(drop.gone), census.place(drop.kept))
            var payload: [UInt8] = []
            payload.append(number: UInt32(truncatingIfNeeded: kept.unit))
            payload.append(number: kept.index)
            payload.append(number: UInt32(clamping: drop.size))
            verdicts[gone.unit, default: []].append((gone.index, payload))
        }
        return verdicts
    }

    static func id(_ payload: [UInt8]) -> String? {
        payload.count > 12 ? String(decoding: payload[12...], as: UTF8.self) : nil
    }

    static func size(_ payload: [UInt8]) -> Int { payload.count >= 12 ? payload.withUnsafeBytes { Int($0.u32(8)) } : 0 }
}
