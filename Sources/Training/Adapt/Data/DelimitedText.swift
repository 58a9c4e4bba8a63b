import QuintetFiles

/// Rows of a CSV or TSV file with a header (RFC 4180: fields in quotes may hold separators, line breaks and doubled quotes).
///
/// Tab-separated files whose quotes do not pair are taken as they are: their quotes are text.
enum DelimitedText {
    /// Calls `body` with each row under the header's names and the line that it begins in.
    static func forEachRow(_ bytes: [UInt8], path: String, separator: UInt8, _ body: (JSONObject, Int) throws -> Void) throws {
        var reader = Reader(bytes: bytes, separator: separator, quotes: separator != UInt8(ascii: "\t"))
        guard let header = try reader.next(path) else { throw FileError("the file is empty", path: path, expected: "a header and rows") }
        let names = header.fields.map { usual($0.trimmed) }
        if let twice = names.enumerated().first(where: { names[..<$0.offset].contains($0.element) })?.element {
            throw FileError("a column is there twice", path: path, field: twice, line: 1)
        }
        while let row = try reader.next(path) {
            if row.fields == [""] { continue }
            guard row.fields.count == names.count else {
                throw FileError(
                    "a row of another length", path: path, expected: "\(names.count) fields, as in the header", found: "\(row.fields.count)", line: row.line)
            }
            var object = JSONObject()
            for (name, value) in zip(names, row.fields) { object[name] = .string(value) }
            try body(object, row.line)
        }
    }

    /// A comma where the header has one, else a semicolon or a tab.
    static func separator(of bytes: [UInt8]) -> UInt8 {
        let header = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        return [0x2C, 0x3B, 0x09].first { header.contains($0) } ?? 0x2C
    }

    /// `Text` is text: people write headers with capitals.
    private static func usual(_ name: String) -> String {
        let known = ["text", "sentence", "label", "prompt", "completion", "chosen", "rejected", "instruction", "input", "output", "system"]
        return known.contains(name.lowercased()) ? name.lowercased() : name
    }

    private struct Reader {
        let bytes: [UInt8]
        let separator: UInt8
        let quotes: Bool
        private var at = 0
        private var line = 1

        init(bytes: [UInt8], separator: UInt8, quotes: Bool) {
            self.bytes = bytes
            self.separator = separator
            self.quotes = quotes
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        }

        /// The next row and its first line; nil at the end.
        mutating func next(_ path: String) throws(FileError) -> (fields: [String], line: Int)? {
            guard at < bytes.count else { return nil }
            let first = line
            var fields: [String] = []
            while true {
                fields.append(try field(path))
                guard at < bytes.count else { break }
                let byte = bytes[at]
                at += 1
                if byte == separator { continue }
                if byte == 0x0D, at < bytes.count, bytes[at] == 0x0A { at += 1 }
                line += 1
                break
            }
            return (fields, first)
        }

        private mutating func field(_ path: String) throws(FileError) -> String {
            if quotes, at < bytes.count, bytes[at] == UInt8(ascii: "\"") { return try quoted(path) }
            let start = at
            while at < bytes.count, bytes[at] != separator, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
            return try text(bytes[start..<at], path)
        }

        private mutating func quoted(_ path: String) throws(FileError) -> String {
            let opened = line
            at += 1
            var out: [UInt8] = []
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                if byte == 0x0A { line += 1 }
                guard byte == UInt8(ascii: "\"") else {
                    out.append(byte)
                    continue
                }
                guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
                    guard at >= bytes.count || [separator, 0x0A, 0x0D].contains(bytes[at]) else {
                        throw FileError("text after a closing quote", path: path, hint: "double a quote inside a field", line: line)
                    }
                    return try text(out[...], path)
                }
                out.append(byte)
                at += 1
            }
            throw FileError("a quote is never closed", path: path, line: opened)
        }

        private func text(_ bytes: ArraySlice<UInt8>, _ path: String) throws(FileError) -> String {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError("not UTF-8", path: path, line: line) }
            return text
        }
    }
}

extension String {
    /// Without spaces at its ends.
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}
