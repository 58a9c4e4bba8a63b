#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Streams a regular file through `body` in pieces of at most `size` bytes, so memory stays flat.
public func readPieces(
    _ path: String, size: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws(FileError) -> Void
) throws(FileError) {
    let (fd, _) = try System.openRegular(path)
    defer { close(fd) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 64)
    defer { buffer.deallocate() }
    while true {
        let n = try System.read(fd, buffer, path)
        if n > 0 { try body(UnsafeRawBufferPointer(rebasing: buffer[0..<n])) }
        if n < buffer.count { return }
    }
}
