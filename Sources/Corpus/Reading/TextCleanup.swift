internal import QuintetFiles

/// Makes the bytes of a text file plain UTF-8 with LF line ends, or says why they are none.
enum TextCleanup {
    struct Reason: Error, Equatable {
        var text: String
        var offset: Int
    }

    /// Drops a byte order mark and turns CR LF and CR into LF; NUL bytes and invalid UTF-8 are reasons to refuse.
    static func plain(_ bytes: [UInt8]) throws(Reason) -> [UInt8] {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw Reason(text: "UTF-16, not UTF-8: convert it first", offset: 0)
        }
        if let zero = bytes.firstIndex(of: 0) { throw Reason(text: "binary (a NUL byte)", offset: zero) }
        if let bad = bytes.withUnsafeBytes({ UTF8Check.firstInvalid($0) }) { throw Reason(text: "not UTF-8", offset: bad) }
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        return bytes.contains(13) ? lineFeeds(bytes) : bytes
    }

    private static func lineFeeds(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for (i, byte) in bytes.enumerated() {
            if byte != 13 { out.append(byte) } else if i + 1 == bytes.count || bytes[i + 1] != 10 { out.append(10) }
        }
        return out
    }
}
