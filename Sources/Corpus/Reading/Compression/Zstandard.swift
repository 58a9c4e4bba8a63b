internal import CZstandard
internal import QuintetFiles

extension Compression {
    /// Zstandard, any number of frames (RFC 8878); windows to 128 MiB.
    static let zstandard = Compression(name: "zstd", endings: ["zst", "zstd"], recognizes: ZstandardDecoder.begins) {
        stream, expansion throws(FileError) in try ZstandardDecoder(stream, expansion)
    }
}

/// Decompresses Zstandard frames, skippable ones included.
final class ZstandardDecoder: ByteSource {
    private let input: ByteStream
    private let expansion: Expansion
    private let context: OpaquePointer
    private var frameEnded = true
    private var made = 0

    init(_ input: ByteStream, _ expansion: Expansion) throws(FileError) {
        guard let context = ZSTD_createDCtx() else { throw FileError("cannot start decompression", path: input.name) }
        self.input = input
        self.expansion = expansion
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    static func begins(_ head: UnsafeRawBufferPointer) -> Bool {
        guard head.count >= 4 else { return false }
        let magic = UInt32(littleEndian: head.loadUnaligned(as: UInt32.self))
        return magic == 0xFD2F_B528 || magic & 0xFFFF_FFF0 == 0x184D_2A50
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        var out = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        while out.pos == 0 {
            let part = try input.peek()
            if part.isEmpty {
                if frameEnded { return 0 }
                throw broken("the compressed data ends too early")
            }
            if frameEnded, try !Self.begins(input.peek(4)) { throw broken("other bytes follow the compressed data") }
            let ready = try input.peek()
            var from = ZSTD_inBuffer(src: ready.baseAddress, size: ready.count, pos: 0)
            let code = ZSTD_decompressStream(context, &out, &from)
            if ZSTD_isError(code) != 0 { throw broken("the compressed data is damaged", String(cString: ZSTD_getErrorName(code))) }
            input.advance(from.pos)
            frameEnded = code == 0
        }
        made += out.pos
        try expansion.check(made, input.name)
        return out.pos
    }

    private func broken(_ what: String, _ found: String? = nil) -> FileError {
        FileError(what, path: input.name, offset: input.offset, found: found, hint: "get the file again")
    }
}

/// Compresses bytes as one Zstandard frame with a checksum; the same bytes in give the same bytes out.
enum ZstandardEncoder {
    static func compressed(_ bytes: [UInt8], level: Int32 = 3) throws(FileError) -> [UInt8] {
        guard let context = ZSTD_createCCtx() else { throw FileError("cannot start compression") }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        var out = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let count = out.withUnsafeMutableBytes { to in
            bytes.withUnsafeBytes { ZSTD_compress2(context, to.baseAddress, to.count, $0.baseAddress, $0.count) }
        }
        if ZSTD_isError(count) != 0 { throw FileError("cannot compress", found: String(cString: ZSTD_getErrorName(count))) }
        return Array(out.prefix(count))
    }
}
