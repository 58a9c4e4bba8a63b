internal import CZlib
internal import QuintetFiles

/// The bytes of a file from front to back, decompressed where the content begins as gzip; memory stays flat.
final class ByteStream {
    private let file: FileReader
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    private var part = 0..<0
    private var ended = false
    private var inflater: UnsafeMutablePointer<z_stream>?
    private var memberEnded = false

    /// From `offset` on the bytes are taken as they are.
    init(_ path: String, from offset: Int = 0) throws(FileError) {
        file = try FileReader(path)
        if offset > 0 { try file.seek(to: offset) }
        try refill()
        if offset == 0, part.count >= 2, buffer[0] == 0x1F, buffer[1] == 0x8B { try startInflating() }
    }

    deinit {
        if let inflater {
            inflateEnd(inflater)
            inflater.deallocate()
        }
        buffer.deallocate()
    }

    private func refill() throws(FileError) {
        let n = try file.read(into: buffer)
        part = 0..<n
        ended = n < buffer.count
    }

    private func startInflating() throws(FileError) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            throw FileError("cannot start decompression", path: file.path)
        }
        inflater = stream
    }

    /// Fills `target` as far as the content goes; 0 means the end.
    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        if let inflater { return try inflate(inflater, target) }
        if part.isEmpty, !ended { try refill() }
        let n = min(part.count, target.count)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[part.prefix(n)]))
        part = part.dropFirst(n)
        return n
    }

    private func inflate(_ z: UnsafeMutablePointer<z_stream>, _ target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        z.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
        z.pointee.avail_out = UInt32(clamping: target.count)
        while z.pointee.avail_out > 0 {
            if part.isEmpty, !ended { try refill() }
            if memberEnded {
                if part.isEmpty { break }
                inflateReset(z)  // a further member follows
                memberEnded = false
            }
            if part.isEmpty { throw broken("the compressed data ends too early") }
            let before = UInt32(part.count)
            z.pointee.next_in = buffer.bindMemory(to: UInt8.self).baseAddress.map { $0 + part.lowerBound }
            z.pointee.avail_in = before
            let code = CZlib.inflate(z, Z_NO_FLUSH)
            part = part.dropFirst(Int(before - z.pointee.avail_in))
            if code == Z_STREAM_END { memberEnded = true } else if code != Z_OK { throw broken("the compressed data is damaged") }
        }
        return min(target.count, Int(UInt32.max)) - Int(z.pointee.avail_out)
    }

    private func broken(_ what: String) -> FileError {
        FileError(what, path: file.path, hint: "get the file again")
    }

    /// Whether the content is compressed, so that it can only be read from its start.
    var isCompressed: Bool { inflater != nil }

    /// The whole content; nil if it is longer than `limit`.
    static func readAll(_ path: String, limit: Int) throws(FileError) -> [UInt8]? {
        let stream = try ByteStream(path)
        var content: [UInt8] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        defer { piece.deallocate() }
        while true {
            let n = try stream.read(into: piece)
            if n == 0 { return content }
            if content.count + n > limit { return nil }
            content.append(contentsOf: piece[..<n])
        }
    }
}
