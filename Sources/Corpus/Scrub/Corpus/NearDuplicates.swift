internal import QuintetFiles

/// Keeps one of documents that are nearly the same: MinHash over 5-grams of words in 14 buckets of 8 hashes (FineWeb's numbers).
///
/// Two documents that share a bucket are near-duplicates, and near-duplicates of near-duplicates form one cluster. Its longest
/// document stays. On disk a document takes 12 bytes and 8 a bucket: 124 with the default; in memory 16 bytes while a bucket is
/// sorted, and 4 in the clusters.
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

    /// Each bucket in ranges of the hash that keep a part below 16 million documents.
    func parts(bytes: Int, documents: Int) -> Int { hashes.buckets * max(1, (documents + (1 << 24) - 1) >> 24) }

    private struct Entry {
        var hash: UInt64
        var document: UInt32
    }

    /// Pairs of documents that share a bucket, 4 bytes each.
    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8] {
        let (bucket, range, ranges) = (part % hashes.buckets, UInt64(part / hashes.buckets), UInt64(parts / hashes.buckets))
        var entries: [Entry] = []
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

    func combine(_ results: [[UInt8]], _ census: Census) throws -> [Int: [CorpusVerdict]] {
        var parent = (0..<UInt32(truncatingIfNeeded: census.documents)).map { $0 }
        func root(_ x: UInt32) -> UInt32 {
            var x = x
            while parent[Int(x)] != x {
                parent[Int(x)] = parent[Int(parent[Int(x)])]
                x = parent[Int(x)]
            }
            return x
        }
        for result in results {
            result.withUnsafeBytes { raw in
                for at in stride(from: 0, to: raw.count - 7, by: 8) {
                    let (a, b) = (root(raw.u32(at)), root(raw.u32(at + 4)))
                    if a != b { parent[Int(max(a, b))] = min(a, b) }
                }
            }
        }
        var clusters: [UInt32: [Int]] = [:]
        for document in 0..<census.documents {
            let top = root(UInt32(truncatingIfNeeded: document))
            if Int(top) != document { clusters[top, default: [Int(top)]].append(document) }
        }
        return Keepers.verdicts(try drops(clusters, census), census)
    }

    private func drops(_ clusters: [UInt32: [Int]], _ census: Census) throws -> [(gone: Int, kept: Int, size: Int)] {
        let ranks = try ranks(of: Set(clusters.values.joined()), census)
        var drops: [(gone: Int, kept: Int, size: Int)] = []
        for members in clusters.values {
            guard let kept = members.compactMap({ ranks[$0] }).min()?.document else { continue }
            for member in members where member != kept { drops.append((member, kept, members.count)) }
        }
        return drops
    }

    private func ranks(of documents: Set<Int>, _ census: Census) throws -> [Int: Precedence] {
        var ranks: [Int: Precedence] = [:]
        for (unit, first) in zip(census.units, census.first) where unit.documents > 0 {
            let raw = try Census.slice(unit.records, 0..<(12 * unit.documents))
            raw.withUnsafeBytes { raw in
                for i in 0..<unit.documents where documents.contains(first + i) {
                    ranks[first + i] = Precedence(length: raw.u32(8 * unit.documents + 4 * i), key: raw.u64(8 * i), document: first + i)
                }
            }
        }
        return ranks
    }

    func apply(_ payload: [UInt8], to page: Page) -> Judgement {
        .drop(rule: "near_duplicate", value: Double(Keepers.size(payload)), threshold: 1, detail: Keepers.id(payload))
    }
}
