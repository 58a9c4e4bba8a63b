internal import QuintetFiles

extension SourceFormat {
    /// Web archives (ISO 28500), WET included: responses, resources and conversions that hold text.
    static let warc = SourceFormat(name: "warc", endings: ["warc", "wet", "wat"], recognizes: { $0.starts(with: WARCReader.magic) }) {
        input, limits throws(FileError) in WARCReader(input, limits)
    }
}

/// The records of a WARC file, one at a time; after a malformed one reading goes on at the next line that begins a record.
final class WARCReader: DocumentReader {
    static let magic = Array("WARC/".utf8)

    private let input: Input
    private let limits: ReadLimits
    private let stream: ByteStream
    private var isLost = false
    /// Bytes that were read a second time, and how many may be of any file.
    private var reread = 0
    private let rereadable = 1 << 32

    init(_ input: Input, _ limits: ReadLimits) {
        self.input = input
        self.limits = limits
        stream = input.stream
    }

    func next() throws(FileError) -> ReadItem? {
        if isLost { try find() }
        while let byte = try stream.peek().first, byte == 10 || byte == 13 { stream.advance(1) }
        let start = stream.offset
        if try stream.peek().isEmpty { return nil }
        isLost = true
        guard try stream.peek(5).starts(with: Self.magic) else { return refusal("not a WARC record", start) }
        guard let headers = try head() else { return refusal("the head of the record does not end", start) }
        guard let length = headers["content-length"].flatMap({ Int($0) }), length >= 0 else {
            return refusal("no length of the record", start, headers["content-length"])
        }
        return try record(headers, length, start)
    }

    private func refusal(_ reason: String, _ offset: Int, _ detail: String? = nil) -> ReadItem {
        .refused(Refusal(reason: reason, offset: offset, detail: detail))
    }

    /// The headers of a record; nil if they go on for more than 64 KiB or to the end.
    private func head() throws(FileError) -> Headers? {
        var headers = Headers()
        var (size, last) = (0, String?.none)
        while size < 1 << 16, var line = try stream.line(limit: 1 << 16) {
            size += line.count
            guard line.last == 10 else { return nil }
            while let end = line.last, end == 10 || end == 13 { line.removeLast() }
            if line.isEmpty { return headers }
            headers.add(line, last: &last)
        }
        return nil
    }

    private func record(_ headers: Headers, _ length: Int, _ start: Int) throws(FileError) -> ReadItem {
        let type = headers["warc-type"]?.lowercased() ?? ""
        let isWanted = ["response", "resource", "conversion"].contains(type)
        let isHeld = isWanted && length <= limits.document
        let block = try WARCBlock(stream, length, isHeld: isHeld, limit: limits.document)
        let (isOver, blank) = try block.missing > 0 ? (false, []) : endsHere()
        guard isOver else {
            try goBack(into: block.bytes + blank)
            if block.missing > 0 { return refusal("the record ends too early", start, "\(block.missing) more bytes") }
            return refusal("the length of the record is wrong", start, "\(length)")
        }
        isLost = false
        if isWanted, !isHeld { return refusal("larger than \(limits.document) bytes", start) }
        return isWanted ? try document(type, headers, block.bytes, start) : .passedOver("WARC record \(Self.known(type))")
    }

    /// Whether the record ends here: with an empty line, as it has to, or at least before another one or the end. Also the line ends it looked beyond.
    private func endsHere() throws(FileError) -> (isOver: Bool, blank: [UInt8]) {
        var blank: [UInt8] = []
        var feeds = 0
        while let byte = try stream.peek().first, byte == 10 || byte == 13 {
            feeds += byte == 10 ? 1 : 0
            if blank.count < 1 << 16 { blank.append(byte) }
            stream.advance(1)
        }
        let next = try stream.peek(5)
        return (feeds >= 2 || next.isEmpty || next.starts(with: Self.magic), blank)
    }

    /// A length that is too large has swallowed what follows: goes back to the first line in it that begins a record.
    ///
    /// What is read twice this way is bounded by the length of the file, however often it lies.
    private func goBack(into bytes: [UInt8]) throws(FileError) {
        guard let begin = bytes.withUnsafeBytes({ WARCBlock.begin($0) }), bytes.count - begin <= rereadable + 16 * stream.offset - reread else { return }
        reread += bytes.count - begin
        stream.unread(bytes[begin...])
        isLost = false
    }

    private static func known(_ type: String) -> String {
        ["warcinfo", "request", "metadata", "revisit", "continuation"].contains(type) ? type : "of another type"
    }

    private func document(_ type: String, _ headers: Headers, _ block: [UInt8], _ start: Int) throws(FileError) -> ReadItem {
        var url = headers["warc-target-uri"]
        if let text = url, text.hasPrefix("<"), text.hasSuffix(">") { url = String(text.dropFirst().dropLast()) }
        var extra: JSONObject = [:]
        if let id = headers["warc-record-id"] { extra["warc_record_id"] = .string(id) }
        if let language = headers["warc-identified-content-language"] { extra["content_language"] = .string(language) }
        if type == "response" { return try record(url, headers, start).response(block, input, limits, extra) }
        return record(url, headers, start).content(block, headers.mediaType, headers.charset, input, extra)
    }

    private func record(_ url: String?, _ headers: Headers, _ start: Int) -> WebRecord {
        WebRecord(url: url, date: headers["warc-date"], offset: start)
    }

    /// To the next line that begins a record.
    private func find() throws(FileError) {
        while let line = try stream.line(limit: 1 << 16) {
            if try stream.peek(5).starts(with: Self.magic), line.last == 10 { break }
        }
        isLost = false
    }

    /// After damage of the compressed data: the next gzip member begins a record.
    func recover() throws(FileError) -> Bool {
        guard try stream.recover() else { return false }
        isLost = try !stream.peek(5).starts(with: Self.magic)
        return true
    }
}

/// The block of a record as it is read: whole, or from the first line on that begins like another record.
struct WARCBlock {
    private(set) var bytes: [UInt8] = []
    /// Bytes that the source did not have.
    private(set) var missing: Int

    /// Reads `length` bytes, and holds all of them or only what may have to be read again; at most `limit` bytes.
    init(_ stream: ByteStream, _ length: Int, isHeld: Bool, limit: Int) throws(FileError) {
        missing = length
        while missing > 0 {
            let ready = try stream.peek(Self.overlap)
            if ready.isEmpty { return }
            let part = UnsafeRawBufferPointer(rebasing: ready.prefix(missing))
            if isHeld || !bytes.isEmpty {
                if bytes.count + part.count <= limit { bytes.append(contentsOf: part) }
                take(part.count, stream)
            } else if let begin = Self.begin(part) {
                // With the line feed before it, by which it is found again.
                bytes.append(contentsOf: part[(begin - 1)...])
                take(part.count, stream)
            } else {
                // A line may begin at the end of this part and go on in the next.
                take(part.count < missing && part.count >= Self.overlap ? part.count - Self.overlap + 1 : part.count, stream)
            }
        }
    }

    private mutating func take(_ count: Int, _ stream: ByteStream) {
        stream.advance(count)
        missing -= count
    }

    private static let overlap = 8

    /// Where the first line begins that is like a record's: "WARC/" and a digit after a line feed.
    static func begin(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        while let feed = bytes[at...].firstIndex(of: 10) {
            let line = bytes[(feed + 1)...]
            if line.count > 5, line.starts(with: WARCReader.magic), line[feed + 6] &- 48 < 10 { return feed + 1 }
            at = feed + 1
        }
        return nil
    }
}
