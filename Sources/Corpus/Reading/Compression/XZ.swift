internal import CXZ
internal import QuintetFiles

extension Compression {
    /// xz, any number of streams; at most 256 MiB of memory.
    static let xz = Compression(name: "xz", endings: ["xz"], recognizes: { $0.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) }) {
        stream, expansion throws(FileError) in try XZDecoder(stream, expansion)
    }
}

/// Decompresses xz streams.
final class XZDecoder: ByteSource {
    private static let memory: UInt64 = 256 << 20
    /// LZMA_CONCATENATED: further streams and padding may follow.
    private static let concatenated: UInt32 = 8

    private let input: ByteStream
    private let expansion: Expansion
    private let state: UnsafeMutablePointer<lzma_stream>
    private var ended = false
    private var made = 0

    init(_ input: ByteStream, _ expansion: Expansion) throws(FileError) {
        self.input = input
        self.expansion = expansion
        state = .allocate(capacity: 1)
        state.initialize(to: lzma_stream())
        if lzma_stream_decoder(state, Self.memory, Self.concatenated) != LZMA_OK {
            throw FileError("cannot start decompression", path: input.name)
        }
    }

    deinit {
        lzma_end(state)
        state.deallocate()
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        if ended { return 0 }
        state.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
        state.pointee.avail_out = target.count
        while state.pointee.avail_out == target.count, !ended {
            let part = try input.peek()
            state.pointee.next_in = part.bindMemory(to: UInt8.self).baseAddress
            state.pointee.avail_in = part.count
            let code = lzma_code(state, part.isEmpty ? LZMA_FINISH : LZMA_RUN)
            input.advance(part.count - state.pointee.avail_in)
            try check(code)
        }
        let count = target.count - state.pointee.avail_out
        made += count
        try expansion.check(made, input.name)
        return count
    }

    private func check(_ code: lzma_ret) throws(FileError) {
        switch code {
        case LZMA_OK: return
        case LZMA_STREAM_END: ended = true
        case LZMA_BUF_ERROR: throw broken("the compressed data ends too early")
        case LZMA_MEMLIMIT_ERROR: throw broken("decompression needs too much memory", "more than \(Self.memory >> 20) MiB")
        case LZMA_OPTIONS_ERROR: throw broken("the compressed data uses options that are not known")
        default: throw broken("the compressed data is damaged")
        }
    }

    private func broken(_ what: String, _ found: String? = nil) -> FileError {
        FileError(what, path: input.name, offset: input.offset, found: found, hint: "get the file again")
    }
}
