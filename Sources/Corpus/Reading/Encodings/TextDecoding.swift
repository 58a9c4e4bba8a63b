#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import QuintetFiles

/// Turns bytes of any encoding into valid UTF-8, or says why they are no text.
///
/// In this order: a byte order mark, UTF-8 where the bytes cannot be anything else, the encoding declared beside or in the content, UTF-8 if the
/// bytes are valid, UTF-16 without a mark, UTF-8 with a few damaged characters, windows-1252 (which takes in Latin-1).
enum TextDecoding {
    struct Text: Equatable {
        /// Valid UTF-8 without a byte order mark.
        var bytes: [UInt8]
        /// "utf-8", "utf-8-sig" where a byte order mark stood before it, "windows-1252", ...
        var encoding: String
        /// Malformed sequences that became U+FFFD.
        var replaced = 0
    }

    struct Reason: Error, Equatable {
        var text: String
        var offset: Int
    }

    static func text(_ bytes: [UInt8], declared: String? = nil) throws(Reason) -> Text {
        if let wide = WideText.marked(bytes) { return Self.wide(bytes.dropFirst(wide.mark.count), wide) }
        let hasMark = isMarked(bytes), bytes = hasMark ? Array(bytes.dropFirst(3)) : bytes
        let zero = bytes.withUnsafeBytes { all in all.baseAddress.flatMap { base in memchr(base, 0, all.count).map { UnsafeRawPointer($0) - base } } }
        if zero != nil, let wide = WideText.guessed(bytes.prefix(1024)) { return Self.wide(bytes[...], wide) }
        if let zero { throw Reason(text: "binary (a NUL byte)", offset: zero) }
        let invalid = bytes.withUnsafeBytes { UTF8Check.firstInvalid($0) }
        let isDeclared = invalid != nil || sequences(bytes) < surelyUTF8
        if isDeclared, let name = declared.flatMap(Charset.named), name != "utf-8", name != "windows-1252", !name.hasPrefix("utf-16"),
            let (text, bad) = Charset.convert(bytes, from: name), bad * 100 <= bytes.count
        {
            return Text(bytes: text, encoding: name, replaced: bad)
        }
        guard let invalid else { return Text(bytes: bytes, encoding: hasMark ? marked : "utf-8") }
        return try narrow(bytes, invalid)
    }

    /// UTF-8 behind a byte order mark, by Python's name.
    static let marked = "utf-8-sig"
    static func isMarked(_ head: some Collection<UInt8>) -> Bool { head.starts(with: [0xEF, 0xBB, 0xBF]) }

    /// So many sequences beyond ASCII that are all valid do not come about by chance in another encoding: what was declared is wrong then.
    private static let surelyUTF8 = 4

    private static func sequences(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { $0 + ($1 >= 0xC0 ? 1 : 0) } }

    private static func wide(_ bytes: ArraySlice<UInt8>, _ wide: WideText) -> Text {
        var out: [UInt8] = []
        let bad = bytes.withUnsafeBytes { wide.append($0, to: &out) }
        out.removeAll { $0 == 0 }
        return Text(bytes: out, encoding: wide.name, replaced: bad)
    }

    /// Bytes that are not valid UTF-8: damaged UTF-8 where most beyond ASCII is valid, else windows-1252.
    private static func narrow(_ bytes: [UInt8], _ invalid: Int) throws(Reason) -> Text {
        let controls = bytes.reduce(0) { $0 + ($1 < 32 && ($1 &- 9 > 4) && $1 != 27 ? 1 : 0) }
        if controls * 50 > bytes.count { throw Reason(text: "binary (control characters)", offset: invalid) }
        let (text, good, bad) = repaired(bytes)
        if good >= bad * 4 { return Text(bytes: text, encoding: "utf-8", replaced: bad) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 8)
        for byte in bytes { appendWindows1252(byte, &out) }
        return Text(bytes: out, encoding: "windows-1252")
    }

    /// With U+FFFD for what is malformed; how many sequences beyond ASCII are good and bad.
    private static func repaired(_ bytes: [UInt8]) -> (text: [UInt8], good: Int, bad: Int) {
        var out: [UInt8] = []
        var (at, bad) = (0, 0)
        bytes.withUnsafeBytes { all in
            while at < all.count {
                let rest = UnsafeRawBufferPointer(rebasing: all[at...])
                let end = UTF8Check.firstInvalid(rest) ?? rest.count
                out.append(contentsOf: rest.prefix(end))
                at += end
                if at == all.count { break }
                out += [0xEF, 0xBF, 0xBD]
                bad += 1
                at += 1
                while at < all.count, all[at] & 0xC0 == 0x80 { at += 1 }
            }
        }
        return (out, out.reduce(0) { $0 + ($1 >= 0xC0 ? 1 : 0) } - bad, bad)
    }

    private static func appendWindows1252(_ byte: UInt8, _ out: inout [UInt8]) {
        if byte < 0x80 { return out.append(byte) }
        let code = byte < 0xA0 ? windows1252[Int(byte) - 0x80] : UInt16(byte)
        if code < 0x800 { return out.append(contentsOf: [0xC0 | UInt8(code >> 6), 0x80 | UInt8(code & 63)]) }
        out.append(contentsOf: [0xE0 | UInt8(code >> 12), 0x80 | UInt8(code >> 6 & 63), 0x80 | UInt8(code & 63)])
    }

    /// 0x80 to 0x9F; the five that mean nothing stay control characters, as browsers have it.
    private static let windows1252: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    /// The character that a numeric reference to 0x80 ... 0x9F means in HTML.
    static func windows1252(_ code: UInt32) -> UInt32 { (0x80..<0xA0).contains(code) ? UInt32(windows1252[Int(code) - 0x80]) : code }

    /// Short text (a name, a field) as a string, whatever its encoding.
    static func string(_ bytes: [UInt8]) -> String { named(bytes).text }

    /// The same with the name of the encoding.
    static func named(_ bytes: [UInt8]) -> (text: String, encoding: String) {
        guard !UTF8Check.isValid(bytes), let read = try? text(bytes) else { return (String(decoding: bytes, as: UTF8.self), "utf-8") }
        return (String(decoding: read.bytes, as: UTF8.self), read.encoding)
    }
}
