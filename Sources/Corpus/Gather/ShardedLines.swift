internal import QuintetFiles

/// Rows of JSON that go into numbered files (`documents/00000.jsonl`, ...) of about the same size; memory stays at one file.
struct ShardedLines {
    private let prefix: String
    private let limit: Int
    private let compression: Gather.Compression
    private var rows: [UInt8] = []
    private var files = 0

    /// `limit` in bytes per file.
    init(_ prefix: String, limit: Int, _ compression: Gather.Compression = .none) {
        self.prefix = prefix
        self.compression = compression
        self.limit = limit
    }

    mutating func append(_ row: JSON, into folder: AtomicDirectory) throws {
        row.write(into: &rows)
        rows.append(10)
        if rows.count >= limit { try flush(into: folder) }
    }

    /// Writes the last file; there is always at least one, if an empty one.
    mutating func finish(into folder: AtomicDirectory) throws {
        if files == 0 || !rows.isEmpty { try flush(into: folder) }
    }

    private mutating func flush(into folder: AtomicDirectory) throws {
        let number = String(files)
        let name = prefix + "/" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".jsonl"
        switch compression {
        case .none: try folder.file(name) { writer in try writer.write(rows) }
        case .zstd:
            let packed = try ZstandardEncoder.compressed(rows)
            try folder.file(name + ".zst") { writer in try writer.write(packed) }
        }
        files += 1
        rows.removeAll(keepingCapacity: true)
    }
}
