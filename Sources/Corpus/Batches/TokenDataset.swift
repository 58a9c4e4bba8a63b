public import QuintetFiles

/// A folder of token shards, opened: every file is mapped and checked, nothing is copied.
///
/// Truncated or damaged shards, a foreign tokenizer and ids outside the vocabulary are `FileError`s at opening; reading
/// cannot fail, and `checkIntact()` tells whether a shard was truncated since.
///
/// ```swift
/// let data = try TokenDataset("shards")
/// var batches = try BatchSampler(data, sequence: 256, batch: 8, seed: 1)
/// let (inputs, targets) = batches.next()
/// ```
public final class TokenDataset: Sendable {
    public let folder: String
    /// Fingerprint of the tokenizer that made the ids; its files lie in the same folder.
    public let tokenizerFingerprint: String
    public let vocabularySize: Int
    /// The id that closes each document.
    public let endOfText: Int32
    public let holdOut: HoldOut
    /// SHA-256 over the tokenizer's fingerprint and all shards: the same data, the same fingerprint.
    public let fingerprint: String

    private let train: TokenStream
    private let validation: TokenStream
    /// Bytes of text that each id stands for; 0 for special tokens.
    private let lengths: [UInt16]

    /// Opens and validates. `tokenizer` is the fingerprint that the caller needs, if any.
    public init(_ folder: String, tokenizer: String? = nil) throws(FileError) {
        let index = try DatasetIndex.read(folder)
        self.folder = folder
        tokenizerFingerprint = index.tokenizer
        vocabularySize = index.vocabularySize
        endOfText = Int32(truncatingIfNeeded: index.endOfText)
        holdOut = index.holdOut
        lengths = try Self.lengths(index, folder)
        train = try TokenStream(index, .train, folder)
        validation = try TokenStream(index, .validation, folder)
        var hash = SHA256Stream()
        hash.update(index.tokenizer)
        for split in Split.allCases { for shard in index.shards[split] ?? [] { hash.update(split.rawValue + shard.sha256) } }
        fingerprint = hash.hex
        if let tokenizer { try check(tokenizer: tokenizer) }
    }

    /// Throws where the ids are another tokenizer's than the one of this fingerprint.
    public func check(tokenizer: String) throws(FileError) {
        guard tokenizer != tokenizerFingerprint else { return }
        throw FileError(
            "the data was made with another tokenizer", path: folder, field: "tokenizer.fingerprint", expected: tokenizer,
            found: tokenizerFingerprint, hint: "tokenize the documents again with this tokenizer")
    }

    private static func lengths(_ index: DatasetIndex, _ folder: String) throws(FileError) -> [UInt16] {
        let path = Folder.join(folder, index.lengthsFile)
        let raw = try readFile(path, limit: 1 << 30)
        guard raw.count == 2 * index.vocabularySize else {
            throw FileError(
                "wrong size", path: path, expected: "\(2 * index.vocabularySize) bytes", found: "\(raw.count)",
                hint: "run `quintet tokenize` again")
        }
        let digest = raw.withUnsafeBytes { sha256($0) }
        guard digest == index.lengthsDigest else {
            throw FileError("the file is damaged", path: path, field: "sha256", expected: index.lengthsDigest, found: digest)
        }
        return (0..<index.vocabularySize).map { UInt16(raw[2 * $0]) | UInt16(raw[2 * $0 + 1]) << 8 }
    }

    private func stream(_ split: Split) -> TokenStream { split == .train ? train : validation }

    public var trainTokens: Int { train.count }
    public var validationTokens: Int { validation.count }
    public func tokens(_ split: Split) -> Int { stream(split).count }
    public func documents(_ split: Split) -> Int { stream(split).documents }
    /// UTF-8 bytes of the text behind a split's tokens.
    public func textBytes(_ split: Split) -> Int { stream(split).textBytes }

    /// UTF-8 bytes of text per token of a split, end-of-text tokens counted; 0 for an empty split.
    public func bytesPerToken(_ split: Split = .validation) -> Double {
        tokens(split) > 0 ? Double(textBytes(split)) / Double(tokens(split)) : 0
    }

    /// Throws if a shard was truncated while it was open; what was copied from it since may be zeros. Cheap: ask after each batch.
    public func checkIntact() throws(FileError) {
        try train.checkIntact()
        try validation.checkIntact()
    }

    /// Copies ids `start ..< start + target.count` of a split's documents laid end to end.
    public func copy(_ split: Split, from start: Int, into target: UnsafeMutableBufferPointer<Int32>) {
        stream(split).copy(from: start, into: target)
    }

    /// UTF-8 bytes of text that these ids stand for: exact for byte-level tokenizers, 0 for special tokens.
    public func textBytes(of ids: some Sequence<Int32>) -> Int {
        ids.reduce(0) { $0 + (lengths.indices.contains(Int($1)) ? Int(lengths[Int($1)]) : 0) }
    }

    /// Ids of one document of a split, its end-of-text token included.
    public func document(_ split: Split, _ number: Int) -> [Int32] { stream(split).document(number) }
}

/// The shards of one split as one run of tokens.
struct TokenStream: Sendable {
    private let shards: [TokenShard]
    /// Position of each shard's first token, and the end.
    private let starts: [Int]
    let documents: Int
    let textBytes: Int
    var count: Int { starts.last ?? 0 }

    init(_ index: DatasetIndex, _ split: Split, _ folder: String) throws(FileError) {
        let tokenizer = tokenizerDigest(index.tokenizer)
        var (shards, starts): ([TokenShard], [Int]) = ([], [0])
        for entry in index.shards[split] ?? [] {
            let path = Folder.join(folder, entry.file)
            let shard = try TokenShard(path)
            try Self.check(shard.header, entry, index, tokenizer, path)
            starts.append((starts.last ?? 0) + shard.count)
            shards.append(shard)
        }
        (self.shards, self.starts) = (shards, starts)
        documents = shards.reduce(0) { $0 + $1.header.documents }
        textBytes = shards.reduce(0) { $0 + $1.header.textBytes }
    }

    /// The shard is the one that the index means.
    private static func check(
        _ header: ShardHeader, _ entry: ShardEntry, _ index: DatasetIndex, _ tokenizer: [UInt8], _ path: String
    ) throws(FileError) {
        guard header.tokenizer == tokenizer, header.vocabularySize == index.vocabularySize,
            Int(header.endOfText) == index.endOfText
        else {
            throw FileError(
                "the shard was made with another tokenizer than the index says", path: path, field: "tokenizer",
                expected: hexadecimal(tokenizer), found: hexadecimal(header.tokenizer), hint: "run `quintet tokenize` again")
        }
        let found = hexadecimal(header.digest)
        guard found == entry.sha256, header.tokens == entry.tokens, header.documents == entry.documents else {
            throw FileError(
                "not the shard that the index names", path: path, field: "sha256", expected: entry.sha256, found: found,
                hint: "run `quintet tokenize` again")
        }
    }

    func checkIntact() throws(FileError) {
        for shard in shards { try shard.checkIntact() }
    }

    /// The shard that holds position `at`.
    private func shard(at position: Int) -> Int {
        var (low, high) = (0, shards.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= position { low = middle } else { high = middle - 1 }
        }
        return low
    }

    func copy(from start: Int, into target: UnsafeMutableBufferPointer<Int32>) {
        precondition(start >= 0 && start + target.count <= count, "tokens outside the split")
        guard var out = target.baseAddress else { return }
        var (at, left) = (start, target.count)
        var number = shard(at: start)
        while left > 0 {
            let part = min(left, starts[number + 1] - at)
            shards[number].copy(from: at - starts[number], count: part, into: out)
            (at, left, out, number) = (at + part, left - part, out + part, number + 1)
        }
    }

    func document(_ number: Int) -> [Int32] {
        precondition(number >= 0 && number < documents)
        var number = number
        for shard in shards {
            if number >= shard.header.documents {
                number -= shard.header.documents
                continue
            }
            let range = shard.tokenRange(number)
            return [Int32](unsafeUninitializedCapacity: range.count) { buffer, count in
                if let base = buffer.baseAddress { shard.copy(from: range.lowerBound, count: range.count, into: base) }
                count = range.count
            }
        }
        return []
    }
}

/// The 32 bytes that stand for a tokenizer in a shard's header.
func tokenizerDigest(_ fingerprint: String) -> [UInt8] {
    var hash = SHA256Stream()
    hash.update(fingerprint)
    return hash.bytes
}
