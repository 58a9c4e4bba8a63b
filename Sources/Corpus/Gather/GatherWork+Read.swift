internal import QuintetFiles

extension GatherWork {
    /// Reads one file. Only failures to write (or `strict`) are thrown; what cannot be read goes to quarantine.
    mutating func read(_ file: SourceFile) throws {
        let created = (try? Folder.changed(file.path)).map { Timestamp.text($0) }
        if file.kind == .jsonLines { try readRows(file, created) } else { try readWhole(file, created) }
    }

    private mutating func readWhole(_ file: SourceFile, _ created: String?) throws {
        let content: [UInt8]?
        do throws(FileError) { content = try ByteStream.readAll(file.path, limit: options.documentLimit) } catch {
            report.bytesIn += file.size
            return try refuse(file.path, error.what, offset: error.offset, detail: error.found)
        }
        report.bytesIn += content?.count ?? file.size
        guard let content else { return try refuse(file.path, "larger than \(options.documentLimit) bytes") }
        let text: [UInt8]
        do throws(TextCleanup.Reason) { text = try TextCleanup.plain(content) } catch {
            return try refuse(file.path, error.text, offset: error.offset)
        }
        try process(
            Draft(text: text, source: file.path, kind: file.kind, created: created, metadata: ["language": .string(file.kind.label)]))
    }

    private mutating func readRows(_ file: SourceFile, _ created: String?) throws {
        let lines: LineReader
        do throws(FileError) { lines = try LineReader(file.path, limit: options.documentLimit) } catch {
            return try refuse(file.path, error.what, detail: error.found)
        }
        while true {
            let line: LineReader.Line?
            do throws(FileError) { line = try lines.next() } catch {
                return try refuse(file.path, error.what, detail: error.found)
            }
            guard let line else { return }
            report.bytesIn += line.bytes.count + 1
            if line.number % 256 == 0 {
                try StopSignal.check()
                show(within: min(line.offset, file.size))
            }
            try readRow(line, file, created)
        }
    }

    private mutating func readRow(_ line: LineReader.Line, _ file: SourceFile, _ created: String?) throws {
        func refuse(_ work: inout Self, _ reason: String, _ offset: Int? = nil, _ detail: String? = nil) throws {
            try work.refuse(file.path, reason, line: line.number, offset: offset ?? line.offset, detail: detail)
        }
        if line.isTooLong { return try refuse(&self, "line longer than \(options.documentLimit) bytes") }
        if line.isBlank { return try refuse(&self, "blank line") }
        let row: JSON
        do throws(FileError) { row = try line.parsed(file.path) } catch {
            return try refuse(&self, error.what, error.offset, error.found)
        }
        guard let text = row["text"]?.string else { return try refuse(&self, "no \"text\"", nil, row.kind) }
        let bytes = Array(text.utf8)
        if bytes.contains(0) { return try refuse(&self, "a NUL character") }
        var metadata = row["metadata"]?.object ?? [:]
        if row["source"] == nil { metadata["line"] = JSON(line.number) }
        try process(
            Draft(
                text: bytes, source: row["source"]?.string ?? file.path, kind: .jsonLines, added: row["added"]?.string,
                created: row["created"]?.string ?? created, metadata: metadata, line: line.number))
    }
}
