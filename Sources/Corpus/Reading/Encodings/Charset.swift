#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import CIconv

/// The encodings that documents may declare, by the labels of the WHATWG encoding standard.
enum Charset {
    /// The encoding of a label: "windows-1252" for "ISO-8859-1", as browsers take it; nil for an unknown one.
    static func named(_ label: String) -> String? {
        let label = label.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        if let name = names[label] { return name }
        let plain = label.replacing("_", with: "-")
        return names[plain] ?? (converted[plain] != nil ? plain : nil)
    }

    /// Other labels of the same encodings.
    private static let names: [String: String] = [
        "utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-16": "utf-16le", "utf-16le": "utf-16le", "utf-16be": "utf-16be",
        "ascii": "windows-1252", "us-ascii": "windows-1252", "iso-8859-1": "windows-1252", "iso8859-1": "windows-1252", "iso88591": "windows-1252",
        "latin1": "windows-1252", "latin-1": "windows-1252", "l1": "windows-1252", "windows-1252": "windows-1252", "cp1252": "windows-1252",
        "x-cp1252": "windows-1252", "ansi": "windows-1252", "latin2": "iso-8859-2", "iso8859-2": "iso-8859-2", "latin5": "windows-1254",
        "iso-8859-9": "windows-1254", "latin9": "iso-8859-15", "latin-9": "iso-8859-15", "iso8859-15": "iso-8859-15", "cp1250": "windows-1250",
        "cp1251": "windows-1251", "win-1251": "windows-1251", "x-cp1251": "windows-1251", "cp1253": "windows-1253", "cp1254": "windows-1254",
        "cp1255": "windows-1255", "cp1256": "windows-1256", "cp1257": "windows-1257", "cp1258": "windows-1258", "koi8": "koi8-r", "koi": "koi8-r",
        "cp866": "ibm866", "iso-8859-11": "windows-874", "tis-620": "windows-874", "sjis": "shift-jis", "x-sjis": "shift-jis",
        "windows-31j": "shift-jis", "ms932": "shift-jis", "shift_jis": "shift-jis", "x-euc-jp": "euc-jp", "gb2312": "gbk", "gb-2312": "gbk",
        "gb-2312-80": "gbk", "x-gbk": "gbk", "cp936": "gbk", "chinese": "gbk", "big5-hkscs": "big5", "cn-big5": "big5", "x-x-big5": "big5",
        "ks-c-5601-1987": "euc-kr", "ksc5601": "euc-kr", "korean": "euc-kr", "windows-949": "euc-kr", "cp949": "euc-kr", "macintosh": "macintosh",
    ]

    /// Encodings that the system converts, with its names for them.
    private static let converted: [String: String] = [
        "iso-8859-2": "ISO-8859-2", "iso-8859-3": "ISO-8859-3", "iso-8859-4": "ISO-8859-4", "iso-8859-5": "ISO-8859-5", "iso-8859-6": "ISO-8859-6",
        "iso-8859-7": "ISO-8859-7", "iso-8859-8": "ISO-8859-8", "iso-8859-10": "ISO-8859-10", "iso-8859-13": "ISO-8859-13",
        "iso-8859-14": "ISO-8859-14", "iso-8859-15": "ISO-8859-15", "iso-8859-16": "ISO-8859-16", "windows-1250": "CP1250",
        "windows-1251": "CP1251", "windows-1253": "CP1253", "windows-1254": "CP1254", "windows-1255": "CP1255", "windows-1256": "CP1256",
        "windows-1257": "CP1257", "windows-1258": "CP1258", "windows-874": "TIS-620", "koi8-r": "KOI8-R", "koi8-u": "KOI8-U", "ibm866": "CP866",
        "macintosh": "MACINTOSH", "shift-jis": "CP932", "euc-jp": "EUC-JP", "iso-2022-jp": "ISO-2022-JP", "gbk": "GB18030", "gb18030": "GB18030",
        "big5": "BIG5-HKSCS", "euc-kr": "CP949",
    ]

    /// The text as UTF-8 through the system's iconv, and how many bytes became U+FFFD; nil if the system cannot convert it.
    static func convert(_ bytes: [UInt8], from name: String) -> (text: [UInt8], bad: Int)? {
        guard let system = converted[name], let converter = iconv_open("UTF-8", system), Int(bitPattern: converter) != -1 else { return nil }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var out: [UInt8] = []
        var bad = 0
        var piece = [CChar](repeating: 0, count: 1 << 15)
        input.withUnsafeMutableBufferPointer { source in
            var next = source.baseAddress
            var left = source.count
            while left > 0 {
                var made = 0
                var isMalformed = false
                piece.withUnsafeMutableBufferPointer { target in
                    var to = target.baseAddress
                    var room = target.count
                    isMalformed = Int(bitPattern: UInt(bitPattern: iconv(converter, &next, &left, &to, &room))) == -1 && errno != E2BIG
                    made = target.count - room
                }
                out += piece[..<made].map { UInt8(bitPattern: $0) }
                guard isMalformed, left > 0 else { continue }
                (next, left, bad) = (next.map { $0 + 1 }, left - 1, bad + 1)
                out += [0xEF, 0xBF, 0xBD]
            }
        }
        return (out, bad)
    }
}
