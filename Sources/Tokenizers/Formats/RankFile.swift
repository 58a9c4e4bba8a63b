import QuintetFiles

/// Byte strings with ranks, as tiktoken has them: lines of "base64-of-the-token rank", or a JSON object with `bpe_ranks`.
///
/// Any two tokens whose joined bytes are a token merge, lower rank first, so every way to split a token is a merge.
struct RankFile {
    /// Longest token, bytes: the merges of a token take time with the square of its length.
    private static let longestToken = 1024

    private var tokens: [(bytes: [UInt8], rank: Int)] = []
    private let source: String

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
        var file = RankFile(source: source)
        try file.readLines(bytes)
        let pattern = pattern ?? (file.tokens.count < 60_000 ? .gpt2 : .cl100k)
        return try file.definition(TokenizerDefinition(slotsFor: pattern), specialTokens: [])
    }

    /// The same as JSON: `bpe_ranks` is "! first-rank token token ...", `pat_str` the pattern, `special_tokens` names and ids.
    static func definition(_ json: JSON, pattern: PreTokenizationPattern?, source: String) throws(FileError) -> TokenizerDefinition {
        var file = RankFile(source: source)
        try file.readRanks(json["bpe_ranks"]?.string ?? "")
        var special: [AddedToken] = []
        for (name, value) in json["special_tokens"]?.object ?? [:] {
            special.append(try AddedToken(["id": value, "content": .string(name), "special": true], source: source, field: "special_tokens"))
        }
        var slots = TokenizerDefinition(slotsFor: pattern ?? .gpt2)
        if pattern == nil, let regex = json["pat_str"]?.string {
            slots = TokenizerDefinition(slotsFor: regex)
            _ = try PreTokenizer.read(slots.preTokenizer, source: source, field: "pat_str")
        }
        return try file.definition(slots, specialTokens: special)
    }

    private init(source: String) { self.source = source }

    private func definition(_ slots: TokenizerDefinition, specialTokens: [AddedToken]) throws(FileError) -> TokenizerDefinition {
        var definition = slots
        definition.source = source
        definition.model["ignore_merges"] = true  // a word that is a token is that token, whatever its merges
        definition.addedTokens = specialTokens
        let used = Set(specialTokens.map { Int($0.id) })
        let order = tokens.indices.sorted { tokens[$0].rank < tokens[$1].rank }
        var next = 0
        for at in order {
            while used.contains(next) { next += 1 }
            guard tokens[at].rank == next else {
                throw FileError("the ranks have a gap or a duplicate", path: source, expected: "\(next)", found: "\(tokens[at].rank)")
            }
            definition.tokens.insert(ByteAlphabet.encode(tokens[at].bytes))
            definition.ids.append(Int32(next))
            next += 1
        }
        guard definition.tokens.count == tokens.count else {
            throw FileError("a token is there twice", path: source, expected: "\(tokens.count) tokens", found: "\(definition.tokens.count)")
        }
        definition.merges = Self.merges(of: order.map { tokens[$0].bytes }, definition.ids)
        return definition
    }

    private mutating func readLines(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var number = 0
        var tokens: [(bytes: [UInt8], rank: Int)] = []
        try DocumentFiles.forEachLine(of: bytes) { (line, _) throws(FileError) in
            number += 1
            if line.isEmpty { return }
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 2, let token = Self.token(parts[0]), let rank = Int(String(decoding: parts[1], as: UTF8.self))
            else {
                throw FileError(
                    "not a rank", path: source, expected: "base64 of 1 to \(Self.longestToken) bytes and a number", line: number)
            }
            tokens.append((token, rank))
        }
        self.tokens = tokens
    }

    /// The bytes of a token; Whisper's file has an empty one, written "=".
    private static func token(_ text: Slice<UnsafeRawBufferPointer>) -> [UInt8]? {
        if text.elementsEqual([0x3D]) { return [] }
        guard let token = Base64.decode(text), (1...longestToken).contains(token.count) else { return nil }
        return token
    }

    private mutating func readRanks(_ text: String) throws(FileError) {
        for line in text.utf8.split(separator: 10) {
            let parts = line.split(separator: 0x20)
            guard parts.count >= 2, let first = Int(String(decoding: parts[1], as: UTF8.self)), first >= 0, first <= Int32.max else {
                throw FileError("not ranks", path: source, field: "bpe_ranks", expected: "! first-rank token ...")
            }
            for (index, part) in parts.dropFirst(2).enumerated() {
                guard let token = Base64.decode(part), (1...Self.longestToken).contains(token.count) else {
                    throw FileError("not a token", path: source, field: "bpe_ranks", expected: "base64 of 1 to \(Self.longestToken) bytes")
                }
                tokens.append((token, first + index))
            }
        }
    }

    private static func merges(of tokens: [[UInt8]], _ ids: [Int32]) -> [TokenizerDefinition.Merge] {
        var table = ByteStringTable(capacity: tokens.count)
        for token in tokens { table.insert(token) }
        var merges: [TokenizerDefinition.Merge] = []
        for (index, token) in tokens.enumerated() where token.count > 1 {
            token.withUnsafeBufferPointer { bytes in
                for cut in 1..<token.count {
                    guard let left = table.index(of: UnsafeBufferPointer(rebasing: bytes[..<cut])),
                        let right = table.index(of: UnsafeBufferPointer(rebasing: bytes[cut...]))
                    else { continue }
                    merges.append(.init(left: ids[left], right: ids[right], id: ids[index]))
                }
            }
        }
        return merges
    }
}
