/// What went wrong with a file: where, what was expected, what was found, what to do.
///
/// ```swift
/// throw FileError("not a token shard", path: path, field: "magic", offset: 0, expected: "QTOK", found: "PK")
/// ```
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One clause in plain words: "cannot open the file".
    public var what: String
    public var path: String?
    /// The field, key or tensor that is wrong.
    public var field: String?
    /// Byte offset from the start of the file.
    public var offset: Int?
    /// Line, counted from 1, for text formats.
    public var line: Int?
    public var expected: String?
    public var found: String?
    /// What to do about it.
    public var hint: String?
    /// The system's error number where a system call failed, else 0.
    public var code: Int32

    public init(
        _ what: String, path: String? = nil, field: String? = nil, offset: Int? = nil, expected: String? = nil,
        found: String? = nil, hint: String? = nil, line: Int? = nil, code: Int32 = 0
    ) {
        self.what = what
        self.path = path
        self.field = field
        self.offset = offset
        self.line = line
        self.expected = expected
        self.found = found
        self.hint = hint
        self.code = code
    }

    /// One line: `path, line 3, byte 41, field "x": what: expected A, found B (hint)`.
    public var description: String {
        var place: [String] = []
        if let path { place.append(printable(path)) }
        if let line { place.append("line \(line)") }
        if let offset { place.append("byte \(offset)") }
        if let field { place.append("field \"\(printable(field))\"") }
        var text = place.isEmpty ? what : place.joined(separator: ", ") + ": " + what
        switch (expected, found) {
        case (let expected?, let found?): text += ": expected \(printable(expected)), found \(printable(found))"
        case (let expected?, nil): text += ": expected \(printable(expected))"
        case (nil, let found?): text += ": \(printable(found))"
        case (nil, nil): break
        }
        return hint.map { text + " (\($0))" } ?? text
    }
}

/// Untrusted text made safe for a terminal and a log: control characters escaped, at most 200 characters.
private func printable(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars.prefix(200) {
        let control = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
        out += control ? "\\u{\(String(scalar.value, radix: 16))}" : String(Character(scalar))
    }
    return text.unicodeScalars.count > 200 ? out + "…" : out
}
