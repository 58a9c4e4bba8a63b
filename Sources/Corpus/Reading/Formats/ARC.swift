internal import QuintetFiles

extension SourceFormat {
    /// The Internet Archive's format before WARC.
    static let arc = SourceFormat(name: "arc", endings: ["arc"], recognizes: { $0.starts(with: Array("filedesc://".utf8)) }) {
        input, limits throws(FileError) in ARCReader(input, limits)
    }
}

/// The records of an ARC file: a line with address, IP address, date, type and length, then as many bytes.
final class ARCReader: DocumentReader {
    private let input: Input
    private let limits: ReadLimits
    private let stream: ByteStream

    init(_ input: Input, _ limits: ReadLimits) {
        self.input = input
        self.limits = limits
        stream = input.stream
    }

    func next() throws(FileError) -> ReadItem? {
        while let byte = try stream.peek().first, byte == 10 || byte == 13 { stream.advance(1) }
        let start = stream.offset
        guard let line = try stream.line(limit: 1 << 16) else { return nil }
        let fields = TextDecoding.string(line).split(whereSeparator: { $0.isWhitespace }).map(String.init)
        // After a line that is no head, the next line may be one.
        guard fields.count >= 5, let length = Int(fields[fields.count - 1]), length >= 0, fields[0].contains(":") else {
            return .refused(Refusal(reason: "not an ARC record", offset: start))
        }
        if fields[0].hasPrefix("filedesc:") {
            return try stream.skip(length) ? .passedOver("ARC version block") : .refused(Refusal(reason: "the record ends too early", offset: start))
        }
        if length > limits.document {
            _ = try stream.skip(length)
            return .refused(Refusal(reason: "larger than \(limits.document) bytes", offset: start))
        }
        return try record(fields, length, start)
    }

    private func record(_ fields: [String], _ length: Int, _ start: Int) throws(FileError) -> ReadItem {
        let block: [UInt8]
        do throws(FileError) {
            block = try ByteStream(BoundedSource(stream, size: length, "block"), name: input.name).readAll(limit: limits.document) ?? []
        } catch {
            if error.field != "block" { throw error }
            return .refused(Refusal(reason: "the record ends too early", offset: start, detail: error.expected))
        }
        let record = WebRecord(url: fields.dropLast(4).joined(separator: " "), date: Self.date(fields[fields.count - 3]), offset: start)
        if block.starts(with: Array("HTTP/".utf8)) { return try record.response(block, input, limits) }
        return record.content(block, fields[fields.count - 2].lowercased(), nil, input, [:])
    }

    /// "2014-02-16T05:02:21Z" of "20140216050221".
    private static func date(_ digits: String) -> String? {
        guard digits.utf8.count >= 14, digits.utf8.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        let d = Array(digits)
        func part(_ range: Range<Int>) -> String { String(d[range]) }
        return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z"
    }

    func recover() throws(FileError) -> Bool { try stream.recover() }
}
