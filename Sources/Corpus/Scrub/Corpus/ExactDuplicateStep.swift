internal import QuintetFiles

/// Keeps one of documents with the same text, or the same address (128 bits of SHA-256); which one does not depend on the order of the files.
struct ExactDuplicateStep: KeyedStep {
    static let name = "exact_duplicates"
    static let settings: [(key: String, value: JSON)] = [("by", "text")]
    let kinds = DocumentKinds.all
    /// What has to be the same.
    private enum Key: String, CaseIterable { case text, url }
    private let key: Key
    init(_ values: StepValues) throws { key = try values.choice("by") }

    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8]) {
        guard let digest = digest(page) else { return }
        Row(hash: digest.0, rest: digest.1, key: Precedence.key(page), document: index).append(to: &records)
    }

    /// nil for a document without an address, where addresses count.
    private func digest(_ page: Page) -> (UInt64, UInt64)? {
        switch key {
        case .text: Page.digest(page.text)
        case .url: page.address.map { Page.digest(Array($0.utf8)) }
        }
    }

    struct Row: KeyedRow {
        static let size = 28
        /// The digest's first half, and its second.
        var hash, rest: UInt64
        var key: UInt64
        var document: UInt32

        static func < (a: Row, b: Row) -> Bool {
            if a.hash != b.hash { return a.hash < b.hash }
            if a.rest != b.rest { return a.rest < b.rest }
            return a.key != b.key ? a.key < b.key : a.document < b.document
        }

        func sharesKey(with other: Row) -> Bool { hash == other.hash && rest == other.rest }
    }

    /// All but the first go in its favor.
    func find(in rows: ArraySlice<Row>, _ found: inout [Finding]) {
        guard let kept = rows.first else { return }
        for row in rows.dropFirst() { found.append(Finding(document: row.document, number: kept.document)) }
    }

    func payload(_ findings: ArraySlice<Finding>, _ census: Census) -> [UInt8] {
        findings.first.map { Keepers.payload(kept: Int($0.number), size: 2, census) } ?? []
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        .drop(rule: "same_" + key.rawValue, value: 1, threshold: 0, detail: Keepers.id(payload))
    }
}

extension ExactDuplicateStep.Row {
    init(_ raw: UnsafeRawBufferPointer, first: UInt32) {
        self.init(hash: raw.u64(0), rest: raw.u64(8), key: raw.u64(16), document: first + raw.u32(24))
    }

    func append(to out: inout [UInt8]) {
        for number in [hash, rest, key] { out.append(number: number) }
        out.append(number: document)
    }
}

/// Verdicts that drop a document in favor of another: the payload names the other by unit and place, to which its id is added.
enum Keepers {
    static func payload(kept: Int, size: Int, _ census: Census) -> [UInt8] {
        let place = census.place(kept)
        var payload: [UInt8] = []
        payload.append(number: UInt32(truncatingIfNeeded: place.unit))
        payload.append(number: place.index)
        payload.append(number: UInt32(clamping: size))
        return payload
    }

    /// Where the document is that stays.
    static func place(_ payload: [UInt8]) -> (unit: Int, index: UInt32) { payload.withUnsafeBytes { (Int($0.u32(0)), $0.u32(4)) } }

    static func id(_ payload: [UInt8]) -> String? {
        payload.count > 12 ? String(decoding: payload[12...], as: UTF8.self) : nil
    }

    static func size(_ payload: [UInt8]) -> Int { payload.count >= 12 ? payload.withUnsafeBytes { Int($0.u32(8)) } : 0 }
}
