import QuintetFiles

/// A tiktoken rank file: lines of "base64-of-the-token rank".
///
/// Any two tokens whose joined bytes are a token merge, lower rank first, so every way to split a token is a merge.
enum RankFile {
    /// Longest token, bytes: the merges of a token take time with the square of its length.
    private static let longestToken = 512

    /// True if the first line looks like one.
    static func isRankFile(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let line = bytes.prefix(200).prefix { $0 != 10 && $0 != 13 }
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        return parts.count == 2 && Base64.decode(parts[0]) != nil && Int(String(decoding: parts[1], as: UTF8.self)) != nil
    }

    /// The definition of a byte-level tokenizer with these ranks; `pattern` nil picks by the number of ranks.
    static func definition(
        _ bytes: UnsafeRawBufferPointer, pattern: PreTokenizationPattern?, source: String
    ) throws(FileError) -> TokenizerDefinition {
        let tokens = try tokens(bytes, source: source)
        let pattern = pattern ?? (tokens.count < 60_000 ? .gpt2 : .cl100k)
        var definition = TokenizerDefinition(slotsFor: pattern)
        definition.source = source
        definition.model["ignore_merges"] = true  // a word that is a token is that token, whatever its merges
        for token in tokens {
            definition.tokens.insert(ByteAlphabet.encode(token))
            definition.ids.append(Int32(definition.ids.count))
        }
        guard definition.tokens.count == tokens.count else {
            throw FileError("a token is there twice", path: source, expected: "\(tokens.count) tokens", found: "\(definition.tokens.count)")
        }
        definition.merges = merges(of: tokens)
        return definition
    }

    /// The tokens in rank order; ranks must fill 0..<n.
    private static func tokens(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) -> [[UInt8]] {
        var tokens: [[UInt8]] = []
        var ranks: [Int] = []
        var number = 0
        try DocumentFiles.forEachLine(of: bytes) { (line, _) throws(FileError) in
            number += 1
            if line.isEmpty { return }
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2, let token = Base64.decode(parts[0]), (1...longestToken).contains(token.count),
                let rank = Int(String(decoding: parts[1], as: UTF8.self))
            else {
                throw FileError("not a rank", path: source, expected: "base64 of 1 to \(longestToken) bytes and a number", line: number)
            }
            tokens.append(token)
            ranks.append(rank)
        }
        let order = ranks.indices.sorted { ranks[$0] < ranks[$1] }
        for (index, at) in order.enumerated() where ranks[at] != index {
            throw FileError("the ranks have a gap or a duplicate", path: source, expected: "\(index)", found: "\(ranks[at])")
        }
        return order.map { tokens[$0] }
    }

    private static func merges(of tokens: [[UInt8]]) -> [TokenizerDefinition.Merge] {
        var table = ByteStringTable(capacity: tokens.count)
        for token in tokens { table.insert(token) }
        var merges: [TokenizerDefinition.Merge] = []
        for (id, token) in tokens.enumerated() where token.count > 1 {
            token.withUnsafeBufferPointer { bytes in
                for cut in 1..<token.count {
                    guard let left = table.index(of: UnsafeBufferPointer(rebasing: bytes[..<cut])),
                        let right = table.index(of: UnsafeBufferPointer(rebasing: bytes[cut...]))
                    else { continue }
                    merges.append(.init(left: Int32(left), right: Int32(right), id: Int32(id)))
                }
            }
        }
        return merges
    }
}

/// Base64 (RFC 4648, with padding), strict.
enum Base64 {
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8.enumerated() {
            values[Int(byte)] = UInt8(value)
        }
        return values
    }()

    /// The bytes, or nil for anything that is not Base64.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let text = Array(text)
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == 0x3D }.count
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        for (index, byte) in text.dropLast(padding).enumerated() {
            let value = values[Int(byte)]
            if value == 0xFF { return nil }
            bits = bits << 6 | UInt32(value)
            if index % 4 > 0 { out.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (index % 4)))) }
        }
        return out
    }
}
