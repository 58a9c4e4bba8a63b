public import QuintetFiles

/// Writes a folder of token shards: documents as ids go in, `TokenDataset` opens what comes out.
///
/// The folder appears whole on `finish()` or not at all. Each document's ids should end with the end-of-text id.
///
/// ```swift
/// let writer = try DatasetWriter(into: "shards", tokenizer: fingerprint, vocabularySize: 256, endOfText: 0, tokenBytes: lengths)
/// try writer.append([72, 105, 0], id: "greeting", textBytes: 2)
/// try writer.finish()
/// ```
public final class DatasetWriter {
    /// The folder that is being made; other files may be put into it before `finish()`.
    public let folder: AtomicDirectory
    private var index: DatasetIndex
    private var writers: [Split: ShardWriter] = [:]

    /// `tokenizer` is the fingerprint; `tokenBytes` are the bytes of text that each id stands for (0 for special tokens).
    public init(
        into path: String, tokenizer: String, vocabularySize: Int, endOfText: Int32, tokenBytes: [Int],
        holdOut: HoldOut = HoldOut(share: 0.02), shardTokens: Int = 1 << 25
    ) throws(FileError) {
        guard (1...1 << 28).contains(vocabularySize), (0..<vocabularySize).contains(Int(endOfText)),
            tokenBytes.count == vocabularySize
        else {
            throw FileError(
                "impossible vocabulary", path: path, field: "vocabulary size, end of text, token bytes",
                expected: "1 to 2^28, an id, a length for each id", found: "\(vocabularySize), \(endOfText), \(tokenBytes.count)")
        }
        folder = try AtomicDirectory(final: path)
        var lengths: [UInt8] = []
        for length in tokenBytes { lengths.append(integer: UInt16(clamping: length)) }
        index = DatasetIndex(
            tokenizer: tokenizer, vocabularySize: vocabularySize, endOfText: Int(endOfText), holdOut: holdOut,
            lengthsFile: "tokens/lengths.bin", lengthsDigest: lengths.withUnsafeBytes { sha256($0) }, shards: [:])
        for split in Split.allCases {
            writers[split] = ShardWriter(
                split, vocabularySize: vocabularySize, endOfText: endOfText, tokenizer: tokenizerDigest(tokenizer),
                shardTokens: shardTokens)
        }
        try typed(path) { try folder.file(index.lengthsFile) { writer in try writer.write(lengths) } }
    }

    /// Appends one document to the split that its id decides, or to `split`.
    public func append(_ ids: some Collection<Int32>, id: String, textBytes: Int, split: Split? = nil) throws {
        try writers[split ?? index.holdOut.split(of: id)]?.append(ids, textBytes: textBytes, into: folder)
    }

    /// Writes the last shards and the index; the folder gets its name.
    public func finish() throws {
        for split in Split.allCases {
            try writers[split]?.flush(into: folder)
            index.shards[split] = writers[split]?.shards ?? []
        }
        try folder.file(DatasetIndex.name) { writer in try writer.write(index.json.serialized(pretty: true) + "\n") }
        try folder.commit()
    }
}

/// Narrows to `FileError`; everything thrown by the writers is one.
private func typed(_ path: String, _ body: () throws -> Void) throws(FileError) {
    do { try body() } catch let error as FileError { throw error } catch {
        throw FileError("cannot write the file", path: path, found: "\(error)")
    }
}
