internal import QuintetFiles

/// Keeps one of documents that are nearly the same: MinHash over 5-grams of words in 14 buckets of 8 hashes (FineWeb's numbers).
///
/// Two documents that share a bucket are near-duplicates, and near-duplicates of near-duplicates form one cluster. Its longest
/// document stays. On disk a document takes 12 bytes and 8 a bucket: 124 with the default; in memory 4, and 28 a cluster. While a
/// bucket is sorted, a part of it is in memory, of about two million documents.
struct NearDuplicates: CorpusStep {
    static let name = "near_duplicates"
    static let settings: [(key: String, value: JSON)] = [("n_grams", 5), ("num_buckets", 14), ("hashes_per_bucket", 8), ("seed", 1)]
    let kinds = DocumentKinds.all
    private let n: Int
    private let hashes: MinHash
    private var row: Int { 12 + 8 * hashes.buckets }

    init(_ values: StepValues) throws {
        n = try values.count("n_grams", from: 1, to: 64)
        let (buckets, perBucket) = (try values.count("num_buckets", from: 1, to: 256), try values.count("hashes_per_bucket", from: 1, to: 256))
        hashes = MinHash(buckets: buckets, perBucket: perBucket, seed: UInt32(truncatingIfNeeded: try values.count("seed")))
    }

    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8]) {
        var shingles: [UInt64] = []
        page.shingles(n) { shingles.append($0) }
        // Without n-grams a document is like no other: its number stands for its signature, and is passed over.
        records.append(number: shingles.isEmpty ? 0 : Precedence.key(page) | 1)
        records.append(number: Precedence.length(page))
        for value in hashes.signature(shingles) { records.append(number: value) }
    }

    /// Column by column, so that a bucket is read in one go: keys, lengths, then each bucket.
    func arranged(_ records: [UInt8], documents: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(records.count)
        func column(_ offset: Int, _ size: Int) {
            for document in 0..<documents { out += records[(document * row + offset)..<(document * row + offset + size)] }
        }
        column(0, 8)
        column(8, 4)
        for bucket in 0..<hashes.buckets { column(12 + 8 * bucket, 8) }
        return out
    }

    /// Each bucket in ranges of its hash: with units of 16 MB two million documents a part.
    func parts(bytes: Int, documents: Int, unitBytes: Int) -> Int { hashes.buckets * max(1, min(256, (documents * 8 + unitBytes - 1) / unitBytes)) }

    private struct Entry {
        var hash: UInt64
        var document: UInt32
    }

    /// Pairs of documents that share a bucket, 4 bytes each.
    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8] {
        let (bucket, range, ranges) = (part % hashes.buckets, UInt64(part / hashes.buckets), UInt64(parts / hashes.buckets))
        var entries: [Entry] = []
        entries.reserveCapacity(census.documents / Int(ranges) + census.documents / 64)
        for (unit, first) in zip(census.units, census.first) where unit.documents > 0 {
            let start = unit.documents * (12 + 8 * bucket)
            let keys = try Census.slice(unit.records, 0..<(8 * unit.documents))
            let column = try Census.slice(unit.records, start..<(start + 8 * unit.documents))
            keys.withUnsafeBytes { keys in
                column.withUnsafeBytes { column in
                    for i in 0..<unit.documents where keys.u64(8 * i) != 0 {
                        let hash = column.u64(8 * i)
                        if ranges == 1 || hash % ranges == range { entries.append(Entry(hash: hash, document: UInt32(truncatingIfNeeded: first + i))) }
                    }
                }
            }
        }
        entries.sort { $0.hash != $1.hash ? $0.hash < $1.hash : $0.document < $1.document }
        var pairs: [UInt8] = []
        for i in entries.indices.dropFirst() where entries[i].hash == entries[i - 1].hash {
            pairs.append(number: entries[i - 1].document)
            pairs.append(number: entries[i].document)
        }
        return pairs
    }

    func combine(_ parts: [String], _ census: Census, _ give: (Int, [CorpusVerdict]) throws -> Void) throws {
        let clusters = try Clusters(documents: census.documents) { join in
            for part in parts {
                try readPieces(part) { raw in for at in stride(from: 0, to: raw.count - 7, by: 8) { join(raw.u32(at), raw.u32(at + 4)) } }
            }
        }
        let (kept, sizes) = try best(of: clusters, census)
        for (unit, first) in census.first.enumerated() {
            var verdicts: [CorpusVerdict] = []
            for index in 0..<census.units[unit].documents {
                guard let cluster = clusters.cluster(of: first + index), kept[cluster].document != first + index else { continue }
                verdicts.append((UInt32(truncatingIfNeeded: index), Keepers.payload(kept: kept[cluster].document, size: Int(sizes[cluster]), census)))
            }
            if !verdicts.isEmpty { try give(unit, verdicts) }
        }
    }

    /// Which document of each cluster stays, and how many the cluster has.
    private func best(of clusters: Clusters, _ census: Census) throws -> (kept: [Precedence], sizes: [UInt32]) {
        var kept = [Precedence](repeating: Precedence(length: 0, key: .max, document: .max), count: clusters.count)
        var sizes = [UInt32](repeating: 0, count: clusters.count)
        for (unit, first) in zip(census.units, census.first) where unit.documents > 0 {
            let raw = try Census.slice(unit.records, 0..<(12 * unit.documents))
            raw.withUnsafeBytes { raw in
                for i in 0..<unit.documents {
                    guard let cluster = clusters.cluster(of: first + i) else { continue }
                    sizes[cluster] += 1
                    kept[cluster] = min(kept[cluster], Precedence(length: raw.u32(8 * unit.documents + 4 * i), key: raw.u64(8 * i), document: first + i))
                }
            }
        }
        return (kept, sizes)
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        .drop(rule: "near_duplicate", value: Double(Keepers.size(payload)), threshold: 1, detail: Keepers.id(payload))
    }
}
