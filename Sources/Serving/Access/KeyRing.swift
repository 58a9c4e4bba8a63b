import Crypto
import QuintetFiles

/// The API keys of a server: a file with a key a line, and what each may use.
///
///     # key                 name      requests at once
///     sk-a1b2c3             alice     4
///     sk-d4e5f6
///
/// Keys are kept as SHA-256; a key that comes in is compared with all of them in the same time, whichever it is.
package struct KeyRing: Sendable {
    struct Holder: Sendable, Equatable {
        let name: String
        /// Requests at once; nil for no bound of its own.
        let limit: Int?
    }
    private let digests: [[UInt8]]
    private let holders: [Holder]

    init(_ path: String) throws(FileError) {
        let content = try readFile(path)
        guard let text = content.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
            throw FileError("the key file is not text", path: path)
        }
        var digests: [[UInt8]] = []
        var holders: [Holder] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard let key = fields.first, !key.hasPrefix("#") else { continue }
            var limit: Int?
            if fields.count > 2 {
                guard let number = Int(fields[2]), number > 0 else {
                    throw FileError("wrong limit", path: path, field: "requests at once", expected: "a number above 0", found: String(fields[2]), line: index + 1)
                }
                limit = number
            }
            digests.append(Self.digest(key.utf8))
            holders.append(Holder(name: fields.count > 1 ? String(fields[1]) : "key\(digests.count)", limit: limit))
        }
        if digests.isEmpty { throw FileError("the key file holds no key", path: path, hint: "write one key a line") }
        self.digests = digests
        self.holders = holders
    }

    /// Whose key it is; nil where it is nobody's.
    func holder(of key: some Sequence<UInt8>) -> Holder? {
        let found = Self.place(of: Self.digest(key), in: digests)
        return found < 0 ? nil : holders[found]
    }

    /// Which of the digests is the same, -1 where none is. Every byte of every one is looked at, whatever they are; `look` hears of each.
    @inline(__always)
    package static func place(of digest: [UInt8], in digests: [[UInt8]], look: () -> Void = {}) -> Int {
        var found = -1
        for (index, known) in digests.enumerated() {
            var difference: UInt8 = 0
            for position in 0..<known.count {
                difference |= known[position] ^ digest[position]
                look()
            }
            // Without a branch on the key: the index where it is equal, else what was there.
            let same = Int((UInt16(difference) &- 1) >> 15)
            found = same * index + (1 - same) * found
        }
        return found
    }

    private static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] { Array(Crypto.SHA256.hash(data: Array(bytes))) }
}
