internal import QuintetFiles

extension SourceFormat {
    /// Comma-separated values (RFC 4180); semicolons and tabs where the header has no comma.
    static let csv = SourceFormat(name: "csv", endings: ["csv"]) { input, limits throws(FileError) in try TableReader(input, nil, .quoted, limits) }
    /// Tab-separated values as IANA registers them: no quoting, a quote is text.
    static let tsv = SourceFormat(name: "tsv", endings: ["tsv", "tab"]) { input, limits throws(FileError) in try TableReader(input, 9, .plain, limits) }
}

/// The rows of a table with a header, each a document; the other columns become metadata.
final class TableReader: DocumentReader {
    private static let columnLimit = 10_000

    private let input: Input
    private let limits: ReadLimits
    private var records: RecordReader
    private var header: [String] = []
    private var isDone = false

    init(_ input: Input, _ separator: UInt8?, _ fields: RecordReader.Fields, _ limits: ReadLimits) throws(FileError) {
        self.input = try WideText.asUTF8(input)
        self.limits = limits
        let stream = self.input.stream
        let head = try stream.peek(4096)
        let found = separator ?? Self.separator(head)
        records = RecordReader(stream, separator: found, fields, limit: limits.document, columnLimit: Self.columnLimit)
    }

    private static func separator(_ head: UnsafeRawBufferPointer) -> UInt8 {
        let line = head.prefix { $0 != 10 && $0 != 13 }
        return [0x2C, 0x3B, 9].first { line.contains($0) } ?? 0x2C
    }

    func next() throws(FileError) -> ReadItem? {
        if isDone { return nil }
        if header.isEmpty {
            try readHeader()
            if limits.field(header) == nil { return try withoutText() }
        }
        guard let record = try records.next() else { return nil }
        if let reason = record.fault { return .refused(Refusal(reason: reason, line: record.line, offset: record.offset)) }
        let fields = record.fields
        if fields.count == 1, fields[0].isEmpty, header.count > 1 {
            return .refused(Refusal(reason: "blank line", line: record.line, offset: record.offset))
        }
        guard fields.count == header.count else {
            return .refused(
                Refusal(reason: "more or fewer fields than the header", line: record.line, offset: record.offset, detail: "\(fields.count), not \(header.count)"))
        }
        var (row, input) = (JSONObject(), self.input)
        for (name, field) in zip(header, fields) {
            let (text, encoding) = TextDecoding.named(field)
            row[name] = .string(text)
            if encoding != "utf-8" { input.encoding = encoding }
        }
        return JSONRow.item(.object(row), input, limits, line: record.line, offset: record.offset)
    }

    private func readHeader() throws(FileError) {
        func fault(_ what: String, _ found: String? = nil) -> FileError {
            FileError(what, path: input.name, expected: "a header that names the columns", found: found, line: 1)
        }
        guard let record = try records.next() else { throw fault("an empty table") }
        if let reason = record.fault { throw fault(reason) }
        let names = record.fields.map { TextDecoding.string($0) }
        if names.allSatisfy(\.isEmpty) { throw fault("a header without names") }
        var seen: Set<String> = []
        for (index, name) in names.enumerated() {
            let name = name.isEmpty ? "column \(index + 1)" : name
            if !seen.insert(name).inserted { throw fault("two columns of the same name", name) }
            header.append(name)
        }
    }

    private func withoutText() throws(FileError) -> ReadItem? {
        isDone = true
        if !input.isNamed { return .passedOver("table without text") }
        throw FileError(
            "no column \"\(limits.textField ?? "text")\"", path: input.name, found: header.prefix(8).joined(separator: ", "),
            hint: "name the column of the text with --text-field", line: 1)
    }
}

/// Cuts a stream into records of fields as RFC 4180 has them; line ends may be LF, CR LF or CR.
struct RecordReader {
    struct Record {
        var fields: [[UInt8]] = []
        /// Where it begins.
        var line: Int
        var offset: Int
        /// Why it cannot be read.
        var fault: String?
    }

    /// How fields are written.
    enum Fields {
        /// A field that begins with a quote ends with one, and holds anything.
        case quoted
        /// Every byte but separators and line ends stands for itself.
        case plain
    }

    private enum Place { case start, plain, quoted, afterQuote, fault }

    private let stream: ByteStream
    private let separator: UInt8
    private let fields: Fields
    private let limit: Int
    private let columnLimit: Int
    private var line = 1
    private var afterReturn = false
    private var place = Place.start
    private var field: [UInt8] = []
    private var size = 0

    init(_ stream: ByteStream, separator: UInt8, _ fields: Fields, limit: Int, columnLimit: Int) {
        self.stream = stream
        self.separator = separator
        self.fields = fields
        self.limit = limit
        self.columnLimit = columnLimit
    }

    /// The next record, nil at the end. A record that cannot be read ends where its line does.
    mutating func next() throws(FileError) -> Record? {
        if afterReturn, try stream.peek().first == 10 { stream.advance(1) }
        afterReturn = false
        if try stream.peek().isEmpty { return nil }
        var record = Record(line: line, offset: stream.offset)
        (place, size) = (.start, 0)
        field.removeAll(keepingCapacity: true)
        while true {
            let ready = try stream.peek()
            if ready.isEmpty { break }
            var used = 0
            var isOver = false
            for byte in ready where !isOver {
                used += 1
                isOver = take(byte, &record)
            }
            stream.advance(used)
            if isOver { return record }
        }
        if place == .quoted { fail("a quote that is not closed", &record) } else { close(&record) }
        return record
    }

    private mutating func fail(_ reason: String, _ record: inout Record) {
        record.fault = record.fault ?? reason
        record.fields = []
        field = []
        place = .fault
    }

    private mutating func close(_ record: inout Record) {
        if record.fault != nil { return }
        if record.fields.count == columnLimit { return fail("more than \(columnLimit) columns", &record) }
        record.fields.append(field)
        field.removeAll(keepingCapacity: true)
        place = .start
    }

    /// Takes one byte; true where it ends the record.
    private mutating func take(_ byte: UInt8, _ record: inout Record) -> Bool {
        let isEnd = byte == 10 || byte == 13
        if byte == 13 || byte == 10 && !(place == .quoted && field.last == 13) { line += 1 }
        if isEnd, place != .quoted {
            close(&record)
            afterReturn = byte == 13
            return true
        }
        switch place {
        case .fault: break
        case .start where fields == .plain, .plain where fields == .plain: if byte == separator { close(&record) } else { store(byte, &record) }
        case .start where byte == 0x22: place = .quoted
        case .start, .plain:
            if byte == separator { close(&record) } else if byte == 0x22 { fail("a quote within a field", &record) } else { store(byte, &record) }
        case .quoted: if byte == 0x22 { place = .afterQuote } else { store(byte, &record) }
        case .afterQuote:
            if byte == 0x22 {
                store(byte, &record)
                if place != .fault { place = .quoted }
            } else if byte == separator {
                close(&record)
            } else {
                fail("text after a closing quote", &record)
            }
        }
        return false
    }

    private mutating func store(_ byte: UInt8, _ record: inout Record) {
        size += 1
        if size > limit { return fail("record longer than \(limit) bytes", &record) }
        if place == .start { place = .plain }
        field.append(byte)
    }
}
