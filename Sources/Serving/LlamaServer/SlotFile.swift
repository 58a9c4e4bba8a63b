import QuintetFiles
import QuintetGeneration
import QuintetTensors

/// A text's beginning with its keys and values, in a file.
///
/// `QNTSLOT1`, the header's length (u32) and the header (JSON), ids (i32), pages, and the SHA-256 of all that. Little-endian. The header says whose it
/// is and for which model, adapters, cache and kernels: with any other, the numbers would mean something else.
struct SlotFile: Sendable {
    let text: CachedText
    /// The file's size.
    let bytes: Int

    private static let magic = Array("QNTSLOT1".utf8)
    private static let digestLength = 32
    private static let mostHeader = 1 << 16

    /// What a file has to be for.
    struct Purpose: Sendable {
        let fingerprint: ModelFingerprint
        let cacheType: CacheType
        let tenant: String
        let context: Int
        let page: (bytes: Int, tokens: Int)

        fileprivate var fields: JSONObject {
            [
                "model": .string(fingerprint.model), "cache": .string(cacheType.rawValue), "tenant": .string(sha256(tenant)),
                "page_bytes": JSON(page.bytes), "page_tokens": JSON(page.tokens),
            ]
        }
    }

    /// Writes the file whole or not at all; its size.
    static func write(_ text: CachedText, _ path: String, _ purpose: Purpose) throws -> Int {
        var header = purpose.fields
        header["tokens"] = JSON(text.ids.count)
        header["adapters"] = .array(zip(purpose.fingerprint.adapters, text.shares).filter { $0.1 != 0 }.map { ["sha256": .string($0), "scale": .number(Double($1))] })
        let json = Array(JSON.object(header).serialized().utf8)
        return try AtomicFile.write(path, hashing: true) { writer in
            try writer.write(magic)
            try withUnsafeBytes(of: UInt32(json.count).littleEndian) { try writer.write($0) }
            try writer.write(json)
            for id in text.ids { try withUnsafeBytes(of: id.littleEndian) { try writer.write($0) } }
            try writer.write(text.pages)
            try writer.write(digest(writer.digest ?? ""))
            return writer.position
        }
    }

    /// - Throws: `FileError` where the file is damaged or for something else.
    init(_ path: String, name: String, _ purpose: Purpose) throws(FileError) {
        let file = try MappedFile(path)
        var reader = ByteReader(file.bytes, source: name)
        guard try reader.bytes(Self.magic.count, "magic").elementsEqual(Self.magic) else {
            throw FileError("no file of a slot", path: name, field: "magic", offset: 0, expected: "QNTSLOT1")
        }
        let length = Int(try reader.integer(UInt32.self, "header length"))
        guard length <= Self.mostHeader else {
            throw FileError("impossible length", path: name, field: "header length", offset: 8, expected: "at most \(Self.mostHeader)", found: "\(length)")
        }
        let header = try JSON.parse(try reader.string(length, "header"), source: name)
        for (key, wanted) in purpose.fields where header[key] != wanted {
            throw FileError(
                "the slot was saved for something else", path: name, field: key, expected: key == "tenant" ? "the same key" : wanted.serialized(),
                hint: "model, adapters, cache type, version and processor have to be the same")
        }
        guard let tokens = header["tokens"]?.int, tokens > 0, tokens <= purpose.context, tokens % purpose.page.tokens == 0 else {
            throw FileError(
                "impossible count", path: name, field: "tokens", expected: "a multiple of \(purpose.page.tokens), at most \(purpose.context)",
                found: header["tokens"]?.serialized() ?? "nothing")
        }
        let shares = try Self.shares(header["adapters"], purpose.fingerprint, name)
        let (idBytes, pageBytes) = (try reader.bytes(4 * tokens, "ids"), try reader.bytes(tokens / purpose.page.tokens * purpose.page.bytes, "pages"))
        let end = reader.offset
        let digest = try reader.bytes(Self.digestLength, "digest")
        guard reader.remaining == 0 else { throw FileError("the file goes on after its end", path: name, offset: reader.offset, found: "\(reader.remaining) bytes more") }
        let ids = (0..<tokens).map { Int32(littleEndian: idBytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        text = CachedText(ids: ids, pages: Array(pageBytes), shares: shares)
        guard Self.digest(sha256(UnsafeRawBufferPointer(rebasing: file.bytes[..<end]))).elementsEqual(digest) else {
            throw FileError("the file is damaged", path: name, field: "digest", offset: end)
        }
        try file.checkIntact()
        bytes = file.count
    }

    /// How much of each adapter that is loaded now.
    private static func shares(_ json: JSON?, _ fingerprint: ModelFingerprint, _ name: String) throws(FileError) -> [Float] {
        guard let list = json?.array else { throw FileError("the list of adapters is missing", path: name, field: "adapters") }
        var shares = [Float](repeating: 0, count: fingerprint.adapters.count)
        for entry in list {
            guard let hash = entry["sha256"]?.string, let place = fingerprint.adapters.firstIndex(of: hash), let scale = entry["scale"]?.double, scale.isFinite else {
                throw FileError("the slot was saved for something else", path: name, field: "adapters", expected: "adapters that are loaded")
            }
            shares[place] = Float(scale)
        }
        return shares
    }

    private static func digest(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
