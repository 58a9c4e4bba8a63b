internal import QuintetFiles

/// Headers as WARC and HTTP write them: names in lower case, the first of each, lines folded into one.
struct Headers {
    private(set) var values: [String: String] = [:]

    subscript(name: String) -> String? { values[name] }

    /// One line without its end; what is no header is passed over.
    mutating func add(_ line: some Collection<UInt8>, last: inout String?) {
        if let first = line.first, first == 32 || first == 9 {
            if let last { values[last, default: ""] += " " + Self.trimmed(line) }
            return
        }
        guard let colon = line.firstIndex(of: 0x3A) else { return }
        let name = Self.trimmed(line[..<colon]).lowercased()
        if values[name] == nil { values[name] = Self.trimmed(line[line.index(after: colon)...]) }
        last = name
    }

    private static func trimmed(_ bytes: some Collection<UInt8>) -> String {
        var bytes = Array(bytes)[...]
        while let last = bytes.last, last <= 32 { bytes.removeLast() }
        return TextDecoding.string(Array(bytes.drop { $0 <= 32 }))
    }

    /// "text/html" of "text/html; charset=utf-8", in lower case.
    var mediaType: String? {
        self["content-type"].map { value in
            value.prefix { $0 != ";" }.lowercased().split(separator: " ").joined()
        }
    }

    /// The charset of the content type.
    var charset: String? {
        guard let value = self["content-type"]?.lowercased() else { return nil }
        for part in value.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { !" \"'".contains($0) } }
            if pair.count == 2, pair[0] == "charset" { return pair[1] }
        }
        return nil
    }
}

/// An HTTP response as crawls store it: status, headers and the body with its transfer and content encodings undone.
struct HTTPMessage {
    var status: Int
    var headers = Headers()
    var body: [UInt8] = []

    /// Reads a stored response. A body that is not encoded as its headers say is taken as it is (many crawlers store it decoded).
    init(_ block: [UInt8], name: String, limit: Int) throws(FileError) {
        var at = 0
        let first = Self.line(block, &at) ?? []
        let parts = first.split(separator: 32, maxSplits: 2)
        guard first.starts(with: Array("HTTP/".utf8)), parts.count >= 2, let status = Int(String(decoding: parts[1], as: UTF8.self)) else {
            throw FileError("not an HTTP response", path: name)
        }
        self.status = status
        var last: String?
        while let line = Self.line(block, &at), !line.isEmpty { headers.add(line, last: &last) }
        body = Array(block[at...])
        if headers["transfer-encoding"]?.lowercased().contains("chunked") == true { body = Self.unchunked(body) ?? body }
        try decode(name, limit)
    }

    /// The line at `at` without its end; nil at the end of the bytes.
    private static func line(_ bytes: [UInt8], _ at: inout Int) -> ArraySlice<UInt8>? {
        guard at < bytes.count else { return nil }
        let end = bytes[at...].firstIndex(of: 10) ?? bytes.count
        let line = bytes[at..<end]
        at = min(end + 1, bytes.count)
        return line.last == 13 ? line.dropLast() : line
    }

    /// nil if these are no chunks; what a last chunk lacks is left out.
    private static func unchunked(_ body: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var at = 0
        while let line = line(body, &at) {
            let digits = line.prefix { $0 != 0x3B && $0 != 32 }
            guard !digits.isEmpty, digits.count <= 8, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else { return out.isEmpty ? nil : out }
            if size == 0 { return out }
            out += body[at..<min(body.count, at + size)]
            at = min(body.count, at + size)
            _ = Self.line(body, &at)
        }
        return out
    }

    private mutating func decode(_ name: String, _ limit: Int) throws(FileError) {
        switch headers["content-encoding"]?.lowercased() {
        case nil, "identity", "none", "": return
        case "gzip", "x-gzip", "zstd", "deflate":
            let stream = ByteStream(MemorySource(body), name: name)
            var decoded = try Compression.decoded(stream)
            if !decoded.isCompressed {
                // zlib's header is a multiple of 31; a body without it is taken as it is.
                guard body.count > 2, body[0] & 0x0F == 8, (Int(body[0]) << 8 | Int(body[1])) % 31 == 0 else { return }
                decoded = ByteStream(try Inflater(stream, window: 15, Expansion(of: stream)), name: name)
            }
            guard let content = try decoded.readAll(limit: limit) else { throw FileError("larger than \(limit) bytes", path: name) }
            body = content
        case let other?:
            // Brotli has no head to tell it by; stored decoded, the body is text.
            if UTF8Check.isValid(body) { return }
            throw FileError("content encoding is not supported", path: name, found: other)
        }
    }
}
