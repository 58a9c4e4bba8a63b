internal import QuintetFiles

/// What a document leaves under a key. Rows of one key are looked at together, in their order.
protocol KeyedRow: Comparable {
    /// Bytes on disk; the first eight are `hash`, little-endian.
    static var size: Int { get }
    /// Evenly spread: what rows are ordered by before all else, and shared out by.
    var hash: UInt64 { get }
    /// A row of a unit whose first document has this number.
    init(_ raw: UnsafeRawBufferPointer, first: UInt32)
    func append(to out: inout [UInt8])
    func sharesKey(with other: Self) -> Bool
}

/// Something of a document that others have as well, and what of it: what the numbers say is the step's own.
struct Finding: Comparable {
    var document: UInt32
    var number: UInt32
    var hash: UInt64 = 0
    static let size = 16

    static func < (a: Finding, b: Finding) -> Bool {
        if a.document != b.document { return a.document < b.document }
        return a.number != b.number ? a.number < b.number : a.hash < b.hash
    }
}

/// A step that looks for what is equal: documents leave rows under keys, and the rows of one key are judged together.
///
/// A unit's rows lie on disk in the order of their hashes, so that a part of the comparison, a range of hashes, reads nothing else;
/// what a part finds lies in the order of the documents, so that verdicts are put together unit by unit. Memory is that of a part or a
/// unit, however many documents there are.
protocol KeyedStep: CorpusStep {
    associatedtype Row: KeyedRow
    /// Appends what the rows of one key, in their order, say of their documents.
    func find(in rows: ArraySlice<Row>, _ found: inout [Finding])
    /// What the next pass is told of a document, given all that was found about it, in order.
    func payload(_ findings: ArraySlice<Finding>, _ census: Census) -> [UInt8]
}

extension KeyedStep {
    func arranged(_ records: [UInt8], documents: Int) -> [UInt8] {
        var rows: [Row] = []
        Self.read(records, first: 0, into: &rows)
        rows.sort()
        var out: [UInt8] = []
        out.reserveCapacity(records.count)
        for row in rows { row.append(to: &out) }
        return out
    }

    private static func read(_ records: [UInt8], first: UInt32, into rows: inout [Row]) {
        records.withUnsafeBytes { raw in
            for at in stride(from: 0, to: raw.count - Row.size + 1, by: Row.size) {
                rows.append(Row(UnsafeRawBufferPointer(rebasing: raw[at..<(at + Row.size)]), first: first))
            }
        }
    }

    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8] {
        var found = try findings(part, parts, census)
        found.sort()
        var out: [UInt8] = []
        out.reserveCapacity(found.count * Finding.size)
        for finding in found {
            out.append(number: finding.document)
            out.append(number: finding.number)
            out.append(number: finding.hash)
        }
        return out
    }

    private func findings(_ part: Int, _ parts: Int, _ census: Census) throws -> [Finding] {
        var rows: [Row] = []
        for (unit, first) in zip(census.units, census.first) {
            Self.read(try unit.rows(Row.size, part: part, of: parts), first: UInt32(truncatingIfNeeded: first), into: &rows)
        }
        rows.sort()
        var found: [Finding] = []
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, rows[end].sharesKey(with: rows[start]) { end += 1 }
            if end - start > 1 { find(in: rows[start..<end], &found) }
            start = end
        }
        return found
    }

    func combine(_ parts: [String], _ census: Census, _ give: (Int, [CorpusVerdict]) throws -> Void) throws {
        let cursors = parts.map { FindingCursor($0, bufferSize: max(1 << 12, min(1 << 18, (32 << 20) / parts.count))) }
        for (unit, first) in census.first.enumerated() {
            var found: [Finding] = []
            for cursor in cursors { try cursor.take(before: first + census.units[unit].documents, into: &found) }
            found.sort()
            var verdicts: [CorpusVerdict] = []
            var start = 0
            while start < found.count {
                var end = start + 1
                while end < found.count, found[end].document == found[start].document { end += 1 }
                verdicts.append((UInt32(truncatingIfNeeded: Int(found[start].document) - first), payload(found[start..<end], census)))
                start = end
            }
            if !verdicts.isEmpty { try give(unit, verdicts) }
        }
    }
}

/// Reads a part's findings from front to back; no file is held open, because there may be thousands of them.
private final class FindingCursor {
    private let path: String
    private let bufferSize: Int
    private var buffer: [UInt8] = []
    private var at = 0
    private var offset = 0
    private var isDone = false

    init(_ path: String, bufferSize: Int) { (self.path, self.bufferSize) = (path, bufferSize / Finding.size * Finding.size) }

    /// Appends the findings on documents below this number.
    func take(before document: Int, into found: inout [Finding]) throws {
        while true {
            if at == buffer.count {
                if isDone { return }
                try fill()
                continue
            }
            let next = buffer.withUnsafeBytes { Finding(document: $0.u32(at), number: $0.u32(at + 4), hash: $0.u64(at + 8)) }
            if Int(next.document) >= document { return }
            found.append(next)
            at += Finding.size
        }
    }

    private func fill() throws {
        let reader = try FileReader(path)
        let count = min(bufferSize, reader.size - offset) / Finding.size * Finding.size
        guard count > 0 else { return (buffer, at, isDone) = ([], 0, true) }
        buffer = try Census.slice(reader, offset..<(offset + count))
        (at, offset) = (0, offset + count)
    }
}
