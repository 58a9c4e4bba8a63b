internal import QuintetFiles

/// Collects one split's documents and writes a shard whenever enough tokens have come together; memory stays at one shard.
struct ShardWriter {
    private let split: Split
    private let vocabularySize: Int
    private let endOfText: Int32
    private let tokenizer: [UInt8]
    private let limit: Int
    private let width: Int

    private var tokens: [UInt8] = []
    private var offsets: [UInt64] = [0]
    private var texts: [UInt64] = [0]
    private(set) var shards: [ShardEntry] = []

    init(_ split: Split, vocabularySize: Int, endOfText: Int32, tokenizer: [UInt8], shardTokens: Int) {
        self.split = split
        self.vocabularySize = vocabularySize
        self.endOfText = endOfText
        self.tokenizer = tokenizer
        limit = shardTokens
        width = vocabularySize <= 1 << 16 ? 2 : 4
    }

    /// Takes one document: its ids (below the vocabulary size) and the length of its text.
    mutating func append(_ ids: some Collection<Int32>, textBytes: Int, into folder: AtomicDirectory) throws {
        if offsets.count > 1, tokens.count / width + ids.count > limit { try flush(into: folder) }
        for id in ids {
            precondition(id >= 0 && Int(id) < vocabularySize, "the tokenizer gave an id outside its vocabulary")
            if width == 2 { tokens.append(integer: UInt16(id)) } else { tokens.append(integer: UInt32(id)) }
        }
        offsets.append(UInt64(tokens.count / width))
        texts.append((texts.last ?? 0) + UInt64(textBytes))
    }

    /// Writes what has been collected, if anything.
    mutating func flush(into folder: AtomicDirectory) throws {
        guard offsets.count > 1 else { return }
        let number = String(shards.count)
        let name = "tokens/\(split.rawValue)-" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".bin"
        var header = ShardHeader(
            width: width, tokens: tokens.count / width, documents: offsets.count - 1, textBytes: Int(texts.last ?? 0),
            vocabularySize: vocabularySize, endOfText: endOfText, tokenizer: tokenizer, digest: [])
        var table: [UInt8] = []
        for offset in offsets + texts { table.append(integer: offset) }
        table += [UInt8](repeating: 0, count: header.tokensOffset - ShardHeader.size - table.count)
        var hash = SHA256Stream()
        table.withUnsafeBytes { hash.update($0) }
        tokens.withUnsafeBytes { hash.update($0) }
        header.digest = hash.bytes
        try folder.file(name) { writer in
            for part in [header.encoded, table, tokens] { try writer.write(part) }
        }
        shards.append(
            ShardEntry(
                file: name, documents: header.documents, tokens: header.tokens, textBytes: header.textBytes, sha256: hash.hex))
        tokens.removeAll(keepingCapacity: true)
        (offsets, texts) = ([0], [0])
    }
}
