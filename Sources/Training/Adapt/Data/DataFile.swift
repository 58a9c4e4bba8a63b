import QuintetCorpus
import QuintetFiles

/// A file of rows: JSON lines (compressed or not), one JSON array, CSV or TSV.
struct DataFile {
    let path: String

    /// Bytes of a row at most, and of a file that is read as a whole.
    private static let rowLimit = 1 << 26
    private static let fileLimit = 1 << 31

    /// Calls `body` with every row, in order.
    /// - Throws: `FileError` with the line where something is no JSON, no object or no table.
    func forEachRow(_ body: (JSONObject, DataRow.Position) throws -> Void) throws {
        guard Folder.isFile(path) else {
            throw FileError("there is no such file", path: path, expected: "JSONL, JSON, CSV or TSV", found: Folder.kind(of: path) ?? "nothing")
        }
        switch Folder.fileExtension(of: path).lowercased() {
        case "csv": try table(nil, body)
        case "tsv", "tab": try table(UInt8(ascii: "\t"), body)
        default: try isArray() ? array(body) : lines(body)
        }
    }

    private func position(_ number: Int, isLine: Bool) -> DataRow.Position {
        DataRow.Position(file: Folder.name(of: path), number: number, isLine: isLine)
    }

    /// `separator`: nil for what the header has, as spreadsheets of many countries write semicolons.
    private func table(_ separator: UInt8?, _ body: (JSONObject, DataRow.Position) throws -> Void) throws {
        let bytes = try readFile(path, limit: Self.fileLimit)
        try DelimitedText.forEachRow(bytes, path: path, separator: separator ?? DelimitedText.separator(of: bytes)) { row, line in
            try body(row, position(line, isLine: true))
        }
    }

    /// Whether the first character is that of an array.
    private func isArray() throws -> Bool {
        let reader = try LineReader(path, limit: Self.rowLimit)
        while let line = try reader.next() {
            if let first = line.bytes.first(where: { $0 != 0x20 && $0 != 0x09 }) { return first == UInt8(ascii: "[") }
            if line.isTooLong { return true }
        }
        return false
    }

    private func lines(_ body: (JSONObject, DataRow.Position) throws -> Void) throws {
        let reader = try LineReader(path, limit: Self.rowLimit)
        var isFirst = true
        while let line = try reader.next() {
            if line.isBlank { continue }
            if isFirst, !line.isTooLong, line.bytes.first(where: { $0 != 0x20 && $0 != 0x09 }) != UInt8(ascii: "{") { throw notRows(line.number) }
            isFirst = false
            if line.isTooLong { throw FileError("a row is too long", path: path, expected: "at most \(Self.rowLimit) bytes", line: line.number) }
            guard let row = try line.parsed(path).object else {
                throw FileError("a row is no object", path: path, expected: "{...} on each line", line: line.number)
            }
            try body(row, position(line.number, isLine: true))
        }
    }

    private func notRows(_ line: Int) -> FileError {
        let hint =
            switch Folder.fileExtension(of: path).lowercased() {
            case "txt", "md", "text", "html", "htm": "quintet gather \(path) --into DIR makes rows of texts; then --data DIR/documents/00000.jsonl"
            case "parquet", "xlsx", "xls", "ods", "arrow": "write it as CSV or JSON lines first"
            default: "tables need a name that ends in .csv or .tsv"
            }
        return FileError("not a file of rows", path: path, expected: "JSON lines ({...} on each), a JSON array, CSV or TSV", found: "something else", hint: hint, line: line)
    }

    private func array(_ body: (JSONObject, DataRow.Position) throws -> Void) throws {
        var bytes: [UInt8] = []
        let reader = try LineReader(path, limit: Self.fileLimit)
        while let line = try reader.next() {
            if line.isTooLong || bytes.count > Self.fileLimit {
                throw FileError("the file is too big for one JSON array", path: path, hint: "write a row on each line (JSONL)")
            }
            bytes += line.bytes
            bytes.append(0x0A)
        }
        let json = try bytes.withUnsafeBytes { raw in try JSON.parse(raw, source: path) }
        for (index, element) in (json.array ?? []).enumerated() {
            guard let row = element.object else { throw FileError("row \(index + 1) is no object", path: path, expected: "{...}", found: element.kind) }
            try body(row, position(index + 1, isLine: false))
        }
    }
}
