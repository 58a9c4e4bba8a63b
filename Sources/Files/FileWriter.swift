#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Buffered writing to a new file under a temporary name; made by `AtomicFile` and `AtomicDirectory`.
///
/// The first failure (disk full, device error) is final: the descriptor is never used again and every later call throws.
public final class FileWriter {
    public let path: String
    /// Bytes written so far.
    public private(set) var position = 0
    private var fd: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    private var filled = 0
    private var hash: SHA256Stream?
    private var failure: FileError?

    /// Creates the file; it must not exist yet.
    init(creating path: String, hashing: Bool) throws(FileError) {
        self.path = path
        hash = hashing ? SHA256Stream() : nil
        fd = -1
        fd = try System.open(path, O_WRONLY | O_CREAT | O_EXCL)
    }

    deinit {
        if fd >= 0 { close(fd) }
        buffer.deallocate()
    }

    /// SHA-256 of everything written, as 64 digits; nil unless hashing was asked for.
    public var digest: String? { hash?.hex }

    public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        if let failure { throw failure }
        guard bytes.count > 0 else { return }
        hash?.update(bytes)
        position += bytes.count
        if filled + bytes.count > buffer.count { try flush() }
        if bytes.count >= buffer.count { return try send(bytes) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
        filled += bytes.count
    }

    public func write(_ bytes: some Collection<UInt8>) throws(FileError) {
        try withBytes(bytes) { raw throws(FileError) in try write(raw) }
    }

    public func write(_ text: String) throws(FileError) { try write(text.utf8) }

    /// Appends `count` zero bytes.
    public func writeZeros(_ count: Int) throws(FileError) { try write([UInt8](repeating: 0, count: count)) }

    private func flush() throws(FileError) {
        let part = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
        filled = 0
        try send(part)
    }

    private func send(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        do throws(FileError) { try System.write(fd, bytes, path) } catch {
            failure = error
            throw error
        }
    }

    /// Writes what is buffered, brings it to disk (unless that is done later, for many files at once) and closes the file.
    func finish(synchronizing: Bool = true) throws(FileError) {
        if let failure { throw failure }
        try flush()
        if synchronizing { try System.synchronize(fd, path) } else { System.beginWriting(fd) }
        let failed = close(fd) != 0
        let code = errno
        fd = -1
        // EINTR leaves the descriptor closed on Linux; the data was already synchronized.
        if failed && code != EINTR { throw System.failure("cannot close the file", path, code) }
    }
}

/// Gives the bytes of any collection to `body`, copied only where they do not lie in a row.
func withBytes(
    _ bytes: some Collection<UInt8>, _ body: (UnsafeRawBufferPointer) throws(FileError) -> Void
) throws(FileError) {
    func run(_ raw: UnsafeRawBufferPointer) -> Result<Void, FileError> {
        do throws(FileError) { return .success(try body(raw)) } catch { return .failure(error) }
    }
    let direct = bytes.withContiguousStorageIfAvailable { run(UnsafeRawBufferPointer($0)) }
    try (direct ?? Array(bytes).withUnsafeBytes { run($0) }).get()
}
