extension JSON {
    /// Parses one JSON text, strictly as RFC 8259 has it: UTF-8 without a byte order mark, nothing after the value.
    ///
    /// Duplicate keys, lone surrogates, numbers beyond a double's range and nesting deeper than `depth` are errors;
    /// each error names the line and the byte.
    public static func parse(_ bytes: UnsafeRawBufferPointer, source: String, depth: Int = 64) throws(FileError) -> JSON {
        if let bad = UTF8Check.firstInvalid(bytes) {
            throw JSONParser.Fault("invalid UTF-8", bad).located(bytes, source)
        }
        var parser = JSONParser(bytes, depth: min(depth, 1024))
        do throws(JSONParser.Fault) { return try parser.document() } catch { throw error.located(bytes, source) }
    }

    public static func parse(_ text: String, source: String = "text") throws(FileError) -> JSON {
        var text = text
        let result = text.withUTF8 { utf8 -> Result<JSON, FileError> in
            do throws(FileError) { return .success(try parse(UnsafeRawBufferPointer(utf8), source: source)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Reads and parses a file.
    public static func read(_ path: String) throws(FileError) -> JSON {
        let content = try readFile(path)
        let result = content.withUnsafeBytes { bytes -> Result<JSON, FileError> in
            do throws(FileError) { return .success(try parse(bytes, source: path)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

/// Recursive descent over bytes that are known to be UTF-8. Every look at a byte is bounded by `end`.
struct JSONParser {
    /// What is wrong and where; small, so that passing it up costs nothing.
    struct Fault: Error {
        let what: StaticString
        let offset: Int
        init(_ what: StaticString, _ offset: Int) {
            self.what = what
            self.offset = offset
        }

        func located(_ bytes: UnsafeRawBufferPointer, _ source: String) -> FileError {
            let line = 1 + bytes.prefix(offset).reduce(0) { $0 + ($1 == 10 ? 1 : 0) }
            let near = String(decoding: bytes.dropFirst(offset).prefix(20), as: UTF8.self)
            return FileError(
                "not valid JSON", path: source, offset: offset, expected: nil,
                found: what.description + (near.isEmpty ? " at the end" : " at '\(near)'"), line: line)
        }
    }

    let base: UnsafePointer<UInt8>
    let end: Int
    let depthLimit: Int
    var at = 0
    private var scratch: [UInt8] = []

    init(_ bytes: UnsafeRawBufferPointer, depth: Int) {
        base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress ?? Self.nothing
        end = bytes.count
        depthLimit = depth
    }

    /// Somewhere to point when there are no bytes; never read.
    private static var nothing: UnsafePointer<UInt8> { UnsafePointer(bitPattern: 1).unsafelyUnwrapped }

    mutating func document() throws(Fault) -> JSON {
        skipSpace()
        let result = try value(0)
        skipSpace()
        if at < end { throw Fault("something after the value", at) }
        return result
    }

    @inline(__always)
    mutating func skipSpace() {
        while at < end, base[at] <= 0x20 {
            let c = base[at]
            guard c == 0x20 || c == 0x0A || c == 0x0D || c == 0x09 else { return }
            at += 1
        }
    }

    /// Takes `byte` if it is next.
    @inline(__always)
    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < end, base[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func value(_ depth: Int) throws(Fault) -> JSON {
        guard at < end else { throw Fault("a value is missing", at) }
        switch base[at] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return .object(try object(depth + 1))
        case UInt8(ascii: "["): return .array(try array(depth + 1))
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw Fault("unexpected character", at)
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(Fault) -> JSON {
        let n = text.utf8CodeUnitCount
        guard end - at >= n else { throw Fault("unknown word", at) }
        for i in 0..<n where base[at + i] != text.utf8Start[i] { throw Fault("unknown word", at) }
        at += n
        return value
    }

    private mutating func array(_ depth: Int) throws(Fault) -> [JSON] {
        if depth > depthLimit { throw Fault("nested too deeply", at) }
        at += 1
        skipSpace()
        var values: [JSON] = []
        if take(UInt8(ascii: "]")) { return values }
        while true {
            values.append(try value(depth))
            skipSpace()
            if take(UInt8(ascii: "]")) { return values }
            guard take(UInt8(ascii: ",")) else { throw Fault("',' or ']' is missing", at) }
            skipSpace()
        }
    }

    private mutating func object(_ depth: Int) throws(Fault) -> JSONObject {
        if depth > depthLimit { throw Fault("nested too deeply", at) }
        at += 1
        skipSpace()
        let members = Members()
        if take(UInt8(ascii: "}")) { return JSONObject(members) }
        while true {
            let start = at
            guard at < end, base[at] == UInt8(ascii: "\"") else { throw Fault("a key in quotes is missing", at) }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw Fault("':' is missing", at) }
            skipSpace()
            guard members.append(key, try value(depth)) else { throw Fault("duplicate key", start) }
            skipSpace()
            if take(UInt8(ascii: "}")) { return JSONObject(members) }
            guard take(UInt8(ascii: ",")) else { throw Fault("',' or '}' is missing", at) }
            skipSpace()
        }
    }
}

// Strings
extension JSONParser {
    private mutating func string() throws(Fault) -> String {
        at += 1
        let start = at
        while at < end, base[at] != UInt8(ascii: "\""), base[at] != UInt8(ascii: "\\"), base[at] >= 0x20 { at += 1 }
        guard at < end else { throw Fault("the string does not end", start - 1) }
        if base[at] == UInt8(ascii: "\"") {
            at += 1
            return String(decoding: UnsafeBufferPointer(start: base + start, count: at - 1 - start), as: UTF8.self)
        }
        return try escapedString(start)
    }

    /// The slow way, for a string with escapes; `start` is its first byte.
    private mutating func escapedString(_ start: Int) throws(Fault) -> String {
        scratch.removeAll(keepingCapacity: true)
        var from = start
        while at < end {
            let c = base[at]
            if c < 0x20 { throw Fault("control character in a string", at) }
            if c != UInt8(ascii: "\""), c != UInt8(ascii: "\\") {
                at += 1
                continue
            }
            scratch.append(contentsOf: UnsafeBufferPointer(start: base + from, count: at - from))
            at += 1
            if c == UInt8(ascii: "\"") { return String(decoding: scratch, as: UTF8.self) }
            try escape()
            from = at
        }
        throw Fault("the string does not end", start - 1)
    }

    private mutating func escape() throws(Fault) {
        guard at < end else { throw Fault("the string does not end", at) }
        let c = base[at]
        at += 1
        switch c {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(c)
        case UInt8(ascii: "b"): scratch.append(8)
        case UInt8(ascii: "f"): scratch.append(12)
        case UInt8(ascii: "n"): scratch.append(10)
        case UInt8(ascii: "r"): scratch.append(13)
        case UInt8(ascii: "t"): scratch.append(9)
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw Fault("unknown escape", at - 2)
        }
    }

    /// `\uXXXX`, with the second half of a surrogate pair where there is one.
    private mutating func unicodeEscape() throws(Fault) {
        let start = at - 2
        var code = try fourDigits()
        if code >> 10 == 0xD800 >> 10 {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw Fault("lone surrogate", start) }
            let low = try fourDigits()
            guard low >> 10 == 0xDC00 >> 10 else { throw Fault("lone surrogate", start) }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
        }
        guard let scalar = Unicode.Scalar(code) else { throw Fault("lone surrogate", start) }
        scratch.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
    }

    private mutating func fourDigits() throws(Fault) -> UInt32 {
        guard end - at >= 4 else { throw Fault("four hexadecimal digits are missing", at) }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(base[at])).hexDigitValue, base[at] < 0x80 else {
                throw Fault("four hexadecimal digits are missing", at)
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }
}

// Numbers
extension JSONParser {
    /// Digits seen so far: their value while it is exact, and how many.
    private struct Digits {
        var value: UInt64 = 0
        var count = 0
        var isExact: Bool { count <= 18 }
    }

    private mutating func number() throws(Fault) -> JSON {
        let start = at
        let negative = take(UInt8(ascii: "-"))
        var digits = Digits()
        if take(UInt8(ascii: "0")) {
            if at < end, isDigit(base[at]) { throw Fault("leading zero", start) }
        } else {
            try readDigits(&digits)
        }
        let whole = digits.count
        if take(UInt8(ascii: ".")) { try readDigits(&digits) }
        let fraction = digits.count - whole
        let exponent = try readExponent()
        if fraction == 0, exponent == nil, digits.isExact {
            let value = Int64(digits.value)
            return .integer(negative ? -value : value)
        }
        return try slowNumber(start, negative, digits, scale: (exponent ?? 0).addingReportingOverflow(-fraction).partialValue,
            isWhole: fraction == 0 && exponent == nil)
    }

    private mutating func readDigits(_ digits: inout Digits) throws(Fault) {
        let start = at
        while at < end, isDigit(base[at]) {
            if digits.count < 18 { digits.value = digits.value * 10 + UInt64(base[at] - 48) }
            digits.count += 1
            at += 1
        }
        if at == start { throw Fault("a digit is missing", at) }
    }

    private mutating func readExponent() throws(Fault) -> Int? {
        guard at < end, base[at] | 0x20 == UInt8(ascii: "e") else { return nil }
        at += 1
        let negative = take(UInt8(ascii: "-"))
        if !negative { _ = take(UInt8(ascii: "+")) }
        var digits = Digits()
        try readDigits(&digits)
        let size = Int(min(digits.isExact ? digits.value : 1_000_000, 1_000_000))
        return negative ? -size : size
    }

    /// Numbers that are no short integer: exact by one multiplication where that is exact, else the library's parser.
    private func slowNumber(_ start: Int, _ negative: Bool, _ digits: Digits, scale: Int, isWhole: Bool) throws(Fault) -> JSON {
        if digits.count <= 15, abs(scale) <= 22 {
            let power = Self.powersOfTen[abs(scale)]
            let value = scale < 0 ? Double(digits.value) / power : Double(digits.value) * power
            return .number(negative ? -value : value)
        }
        let text = String(decoding: UnsafeBufferPointer(start: base + start, count: at - start), as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw Fault("number out of range", start) }
        return .number(value)
    }

    private func isDigit(_ c: UInt8) -> Bool { c &- 48 < 10 }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
        1e22,
    ]
}
