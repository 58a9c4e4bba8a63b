internal import QuintetFiles

/// One mapped shard file whose every claim was checked when it was opened.
struct TokenShard: Sendable {
    let header: ShardHeader
    private let file: MappedFile

    var count: Int { header.tokens }

    /// Maps and validates: header, size, checksum, document table, and that no id lies outside the vocabulary.
    init(_ path: String) throws(FileError) {
        file = try MappedFile(path)
        header = try ShardHeader(file.bytes, source: path)
        var hash = SHA256Stream()
        hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[ShardHeader.size...]))
        guard hash.bytes == header.digest else {
            throw FileError(
                "the shard is damaged", path: path, field: "sha256", expected: hexadecimal(header.digest), found: hash.hex,
                hint: "run `quintet tokenize` again")
        }
        try checkTable(of: header.tokens, at: ShardHeader.size, "token offsets")
        try checkTable(of: header.textBytes, at: ShardHeader.size + header.tableSize / 2, "text byte offsets")
        try checkIds()
        try checkIntact()
    }

    /// Throws if the file was truncated since it was opened.
    func checkIntact() throws(FileError) { try file.checkIntact() }

    private func entry(_ index: Int, at offset: Int) -> UInt64 {
        UInt64(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset + 8 * index, as: UInt64.self))
    }

    /// Offsets begin at 0, never fall, and end at `total`.
    private func checkTable(of total: Int, at offset: Int, _ field: String) throws(FileError) {
        var last: UInt64 = 0
        var sound = entry(0, at: offset) == 0 && entry(header.documents, at: offset) == UInt64(total)
        for i in 0...header.documents {
            let next = entry(i, at: offset)
            sound = sound && next >= last
            last = next
        }
        if !sound { throw FileError("the offsets are not in order", path: file.path, field: field, offset: offset) }
    }

    private func checkIds() throws(FileError) {
        let largest = header.width == 2 ? largest(UInt16.self) : largest(UInt32.self)
        guard largest < max(header.vocabularySize, 1) else {
            throw FileError(
                "a token id lies outside the vocabulary", path: file.path, field: "tokens",
                expected: "below \(header.vocabularySize)", found: "\(largest)")
        }
    }

    private func largest<T: FixedWidthInteger>(_ type: T.Type) -> Int {
        withTokens(type) { tokens in Int(clamping: tokens.reduce(into: 0 as T) { $0 = max($0, T(littleEndian: $1)) }) }
    }

    private func withTokens<T, Value>(_ type: T.Type, _ body: (UnsafeBufferPointer<T>) -> Value) -> Value {
        let raw = UnsafeRawBufferPointer(rebasing: file.bytes[header.tokensOffset...])
        return body(raw.bindMemory(to: T.self))  // 64-byte aligned in a page-aligned map
    }

    /// Copies `count` ids from `start` on; both lie inside the shard.
    func copy(from start: Int, count: Int, into target: UnsafeMutablePointer<Int32>) {
        precondition(start >= 0 && count >= 0 && start + count <= header.tokens)
        if header.width == 2 {
            withTokens(UInt16.self) { t in for i in 0..<count { target[i] = Int32(UInt16(littleEndian: t[start + i])) } }
        } else {
            withTokens(UInt32.self) { t in for i in 0..<count { target[i] = Int32(bitPattern: UInt32(littleEndian: t[start + i])) } }
        }
    }

    /// Tokens of a document, its end-of-text token included.
    func tokenRange(_ document: Int) -> Range<Int> {
        precondition(document >= 0 && document < header.documents)
        return Int(entry(document, at: ShardHeader.size))..<Int(entry(document + 1, at: ShardHeader.size))
    }

    /// UTF-8 bytes of a document's text.
    func textBytes(_ document: Int) -> Int {
        precondition(document >= 0 && document < header.documents)
        let offset = ShardHeader.size + header.tableSize / 2
        return Int(entry(document + 1, at: offset) - entry(document, at: offset))
    }
}
