internal import QuintetFiles

/// The first 128 bytes of a token shard, little endian.
///
/// | bytes | field |
/// |---|---|
/// | 0-7 | magic `QTOKENS` and a zero |
/// | 8-11 | version, 1 |
/// | 12-15 | bytes per token: 2 or 4 |
/// | 16-23 | tokens |
/// | 24-31 | documents |
/// | 32-39 | UTF-8 bytes of the documents' text |
/// | 40-43 | vocabulary size: every id is below it |
/// | 44-47 | id of the end-of-text token that closes each document |
/// | 48-79 | SHA-256 of the tokenizer's fingerprint |
/// | 80-111 | SHA-256 of everything after the header |
/// | 112-127 | zero |
///
/// Then come `documents + 1` token offsets and `documents + 1` text byte offsets (both u64, first 0, last the total), zeros to
/// a multiple of 64, and the tokens.
struct ShardHeader: Equatable {
    static let size = 128
    static let magic: [UInt8] = Array("QTOKENS\0".utf8)

    var width: Int
    var tokens: Int
    var documents: Int
    var textBytes: Int
    var vocabularySize: Int
    var endOfText: Int32
    var tokenizer: [UInt8]
    var digest: [UInt8]

    /// Bytes of the two offset tables.
    var tableSize: Int { 16 * (documents + 1) }
    /// Where the tokens begin.
    var tokensOffset: Int { (Self.size + tableSize + 63) / 64 * 64 }
    /// Size of the whole file.
    var fileSize: Int { tokensOffset + tokens * width }

    var encoded: [UInt8] {
        var out = Self.magic
        out.append(integer: 1 as UInt32)
        out.append(integer: UInt32(width))
        for value in [tokens, documents, textBytes] { out.append(integer: UInt64(value)) }
        out.append(integer: UInt32(vocabularySize))
        out.append(integer: UInt32(bitPattern: endOfText))
        out += tokenizer + digest
        return out + [UInt8](repeating: 0, count: Self.size - out.count)
    }

    /// Reads and checks a header against the size of its file.
    init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        var reader = ByteReader(bytes, source: source)
        let magic = try reader.bytes(8, "magic")
        guard magic.elementsEqual(Self.magic) else {
            throw FileError(
                "not a token shard", path: source, field: "magic", offset: 0, expected: "QTOKENS",
                found: hexadecimal(magic), hint: "make token shards with `quintet tokenize`")
        }
        let version = try reader.integer(UInt32.self, "version")
        guard version == 1 else {
            throw FileError("unknown version", path: source, field: "version", offset: 8, expected: "1", found: "\(version)")
        }
        let width = try reader.integer(UInt32.self, "bytes per token")
        guard width == 2 || width == 4 else {
            throw FileError(
                "unknown token type", path: source, field: "bytes per token", offset: 12, expected: "2 or 4", found: "\(width)")
        }
        self.width = Int(width)
        // No count can exceed the file, so the sums below cannot overflow.
        tokens = try reader.count("tokens", limit: bytes.count / Int(width))
        documents = try reader.count("documents", limit: bytes.count / 16)
        textBytes = try reader.count("text bytes", limit: 1 << 56)
        vocabularySize = Int(try reader.integer(UInt32.self, "vocabulary size"))
        endOfText = try reader.integer(Int32.self, "end of text")
        tokenizer = Array(try reader.bytes(32, "tokenizer"))
        digest = Array(try reader.bytes(32, "digest"))
        guard fileSize == bytes.count else {
            throw FileError(
                "the file's size does not fit its header", path: source, field: "size", expected: "\(fileSize) bytes",
                found: "\(bytes.count)", hint: "the shard is truncated or damaged; run `quintet tokenize` again")
        }
    }

    init(
        width: Int, tokens: Int, documents: Int, textBytes: Int, vocabularySize: Int, endOfText: Int32, tokenizer: [UInt8],
        digest: [UInt8]
    ) {
        self.width = width
        self.tokens = tokens
        self.documents = documents
        self.textBytes = textBytes
        self.vocabularySize = vocabularySize
        self.endOfText = endOfText
        self.tokenizer = tokenizer
        self.digest = digest
    }
}

extension [UInt8] {
    /// Appends an integer's bytes, little endian.
    mutating func append(integer value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
