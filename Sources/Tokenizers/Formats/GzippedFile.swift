internal import CZlib
import QuintetFiles

/// A tokenizer file that lies compressed, as CLIP's `bpe_simple_vocab_16e6.txt.gz` does.
enum GzippedFile {
    /// More than any tokenizer has: what would grow beyond is refused.
    static let mostBytes = 1 << 26

    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B, 8]) }

    /// The content of a file of one member (RFC 1952).
    /// - Throws: `FileError` where it is damaged, cut, followed by something else, or too large.
    static func content(_ bytes: [UInt8], source: String) throws(FileError) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw FileError("cannot start decompression", path: source)
        }
        defer { inflateEnd(&stream) }
        guard let room = UInt32(exactly: bytes.count) else { throw tooLarge(source) }
        var input = bytes, content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        var code = Z_OK
        input.withUnsafeMutableBufferPointer { input in
            (stream.next_in, stream.avail_in) = (input.baseAddress, room)
            while code == Z_OK, content.count <= mostBytes {
                part.withUnsafeMutableBufferPointer { part in
                    (stream.next_out, stream.avail_out) = (part.baseAddress, UInt32(part.count))
                    code = inflate(&stream, Z_NO_FLUSH)
                    content += part[..<(part.count - Int(stream.avail_out))]
                }
            }
        }
        if content.count > mostBytes { throw tooLarge(source) }
        guard code == Z_STREAM_END, stream.avail_in == 0 else {
            throw FileError(
                code == Z_STREAM_END ? "other bytes follow the compressed data" : code == Z_BUF_ERROR ? "the compressed data ends too early" : "the compressed data is damaged",
                path: source, offset: bytes.count - Int(stream.avail_in), hint: "get the file again")
        }
        return content
    }

    private static func tooLarge(_ source: String) -> FileError {
        FileError("too large for a tokenizer", path: source, expected: "at most \(mostBytes) bytes, unpacked")
    }
}
