internal import QuintetFiles

/// The ids of a unit's documents on disk: where each begins, and where the last one ends, 8 bytes each; then the ids.
///
/// One is read at a time, so that verdicts can name documents of any unit without holding their ids.
struct DocumentIDs {
    private let reader: FileReader

    init(_ path: String) throws(FileError) { reader = try FileReader(path) }

    subscript(index: UInt32) -> [UInt8] {
        get throws {
            let (start, end) = try Census.slice(reader, (8 * Int(index))..<(8 * Int(index) + 16)).withUnsafeBytes { ($0.u64(0), $0.u64(8)) }
            guard start <= end, end <= UInt64(reader.size) else { throw FileError("the file is damaged", path: reader.path, offset: 8 * Int(index)) }
            return try Census.slice(reader, Int(start)..<Int(end))
        }
    }

    /// Ids that are collected.
    struct Writer {
        private var ends: [Int] = []
        private var bytes: [UInt8] = []

        mutating func append(_ id: String) {
            bytes += id.utf8
            ends.append(bytes.count)
        }

        func write(to writer: FileWriter) throws(FileError) {
            var table: [UInt8] = []
            let head = 8 * (ends.count + 1)
            for end in [0] + ends { table.append(number: UInt64(head + end)) }
            try writer.write(table)
            try writer.write(bytes)
        }
    }
}
