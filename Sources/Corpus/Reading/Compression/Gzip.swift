internal import CZlib
internal import QuintetFiles

extension Compression {
    /// gzip, any number of members (RFC 1952).
    static let gzip = Compression(name: "gzip", endings: ["gz", "gzip"], recognizes: { $0.starts(with: [0x1F, 0x8B, 8]) }) {
        stream, expansion throws(FileError) in try Inflater(stream, window: 15 + 16, expansion)
    }
}

/// Decompresses gzip (members one after another) or, with another window, zlib and raw deflate.
final class Inflater: ByteSource {
    private let input: ByteStream
    private let z: UnsafeMutablePointer<z_stream>
    private let isGzip: Bool
    private let expansion: Expansion
    private var memberEnded = false
    private var made = 0
    /// Where `recover` went last: it never goes there twice.
    private var recovered = -1

    /// `window` as zlib has it: 15 + 16 gzip, 15 zlib, -15 raw.
    init(_ input: ByteStream, window: Int32, _ expansion: Expansion) throws(FileError) {
        self.input = input
        self.expansion = expansion
        isGzip = window > 15
        z = .allocate(capacity: 1)
        z.initialize(to: z_stream())
        if inflateInit2_(z, window, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK {
            throw FileError("cannot start decompression", path: input.name)
        }
    }

    deinit {
        inflateEnd(z)
        z.deallocate()
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let room = min(target.count, 1 << 30)
        z.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
        z.pointee.avail_out = UInt32(room)
        while z.pointee.avail_out == UInt32(room) {
            if memberEnded, try !nextMember() { return 0 }
            let part = try input.peek()
            if part.isEmpty { throw broken("the compressed data ends too early") }
            let before = UInt32(min(part.count, 1 << 30))
            z.pointee.next_in = UnsafeMutablePointer(mutating: part.bindMemory(to: UInt8.self).baseAddress)
            z.pointee.avail_in = before
            let code = inflate(z, Z_NO_FLUSH)
            input.advance(Int(before - z.pointee.avail_in))
            if code == Z_STREAM_END { memberEnded = true } else if code != Z_OK { throw broken("the compressed data is damaged") }
        }
        let count = room - Int(z.pointee.avail_out)
        made += count
        try expansion.check(made, input.name)
        return count
    }

    /// Goes on to the next member; false at the end. Zero bytes at the end are padding.
    private func nextMember() throws(FileError) -> Bool {
        while let first = try input.peek().first, first == 0 { input.advance(1) }
        if try input.peek().isEmpty { return false }
        guard isGzip, try input.peek(3).starts(with: [0x1F, 0x8B, 8]) else { throw broken("other bytes follow the compressed data") }
        inflateReset(z)
        memberEnded = false
        return true
    }

    private func broken(_ what: String) -> FileError {
        FileError(what, path: input.name, offset: input.offset, hint: "get the file again")
    }

    /// Looks for the head of the next gzip member.
    func recover() throws(FileError) -> Bool {
        guard isGzip else { return false }
        while true {
            let ready = try input.peek(4)
            if ready.count < 4 { return false }
            guard let at = ready.dropLast(3).firstIndex(where: { $0 == 0x1F }) else {
                input.advance(ready.count - 3)
                continue
            }
            let isHead = ready[at + 1] == 0x8B && ready[at + 2] == 8 && ready[at + 3] & 0xE0 == 0 && input.offset + at > recovered
            input.advance(isHead ? at : at + 1)
            if isHead { break }
        }
        recovered = input.offset
        inflateReset(z)
        memberEnded = false
        return true
    }
}
