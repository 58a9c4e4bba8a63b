internal import QuintetFiles

extension SourceFormat {
    /// One JSON value a line.
    static let jsonLines = SourceFormat(
        name: "jsonl", endings: ["jsonl", "ndjson", "jsonlines"], recognizes: { $0.withoutLeadingSpace.starts(with: [0x7B, 0x22]) }
    ) { input, limits throws(FileError) in try JSONLinesReader(input, limits) }
}

/// The lines of a file, each a document in JSON.
final class JSONLinesReader: DocumentReader {
    private let input: Input
    private let limits: ReadLimits
    private let lines: LineReader

    init(_ input: Input, _ limits: ReadLimits) throws(FileError) {
        self.input = try WideText.asUTF8(input)
        self.limits = limits
        lines = try LineReader(self.input.stream, limit: limits.document)
    }

    func next() throws(FileError) -> ReadItem? {
        guard let line = try lines.next() else { return nil }
        func refusal(_ reason: String) -> ReadItem { .refused(Refusal(reason: reason, line: line.number, offset: line.offset)) }
        if line.isTooLong { return refusal("line longer than \(limits.document) bytes") }
        if line.isBlank { return refusal("blank line") }
        do throws(FileError) {
            return JSONRow.item(try line.parsed(input.name), input, limits, line: line.number, offset: line.offset)
        } catch {
            return UTF8Check.isValid(line.bytes) ? .refused(Refusal(error)) : refusal("a line that is no UTF-8")
        }
    }
}
