#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A regular file that is read from front to back, as much at a time as the caller has room for.
public final class FileReader {
    public let path: String
    /// Size when it was opened.
    public let size: Int
    private let fd: Int32

    public convenience init(_ path: String) throws(FileError) { try self.init(PathBytes(path)) }

    public init(_ path: PathBytes) throws(FileError) {
        self.path = path.display
        (fd, size) = try System.openRegular(path)
    }

    /// Standard input: a pipe, a terminal or a file; its size is not known and counts as 0.
    public static func standardInput() -> FileReader { FileReader(descriptor: STDIN_FILENO, path: "standard input") }

    /// A regular file, or a pipe that somebody named on purpose (`<(...)` of a shell): the pipe is waited on.
    public static func stream(_ path: String) throws(FileError) -> FileReader {
        guard Folder.isPipe(path) else { return try FileReader(path) }
        return FileReader(descriptor: try System.open(path, O_RDONLY), path: path)
    }

    /// The rest of the file, at most `limit` bytes.
    public func all(limit: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
        defer { piece.deallocate() }
        while true {
            let count = try read(into: piece)
            guard bytes.count <= limit - count else {
                throw FileError("too large", path: path, expected: "at most \(limit) bytes", found: "more")
            }
            bytes.append(contentsOf: piece[..<count])
            if count < piece.count { return bytes }
        }
    }

    private init(descriptor: Int32, path: String) {
        self.path = path
        (fd, size) = (descriptor, 0)
    }

    deinit { if fd != STDIN_FILENO { close(fd) } }

    /// Goes on from this byte.
    public func seek(to offset: Int) throws(FileError) {
        guard lseek(fd, off_t(offset), SEEK_SET) >= 0 else { throw System.failure("cannot move in the file", path, errno) }
    }

    /// Fills `buffer` as far as the file goes; fewer bytes than asked for mean the end.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        try System.read(fd, buffer, path)
    }
}

/// Streams a regular file through `body` in pieces of at most `size` bytes, so memory stays flat.
public func readPieces(
    _ path: String, size: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws(FileError) -> Void
) throws(FileError) {
    let reader = try FileReader(path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 64)
    defer { buffer.deallocate() }
    while true {
        let n = try reader.read(into: buffer)
        if n > 0 { try body(UnsafeRawBufferPointer(rebasing: buffer[0..<n])) }
        if n < buffer.count { return }
    }
}
