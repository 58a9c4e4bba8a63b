#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file mapped read-only, with its length fixed when it is opened.
///
/// Regular files only: a FIFO, device or folder is a `FileError`. If another process truncates the file while it is mapped,
/// the lost part reads as zeros and `checkIntact()` throws; a reader that must be sure asks after it has read. Weights that
/// are repacked are better read into private memory (`readFile`).
public final class MappedFile: @unchecked Sendable {
    // Sendable: the pages are read-only and live until deinit; all stored properties are constants.
    public let path: String
    public let bytes: UnsafeRawBufferPointer
    public var count: Int { bytes.count }
    private let slot: Int?

    public init(_ path: String) throws(FileError) {
        self.path = path
        let (fd, size) = try System.openRegular(path)
        defer { close(fd) }
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            slot = nil
            return
        }
        let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0)
        guard let base, base != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw System.failure("cannot map the file", path, errno)
        }
        bytes = UnsafeRawBufferPointer(start: base, count: size)
        slot = BusGuard.watch(bytes)
    }

    /// The content of a file that came some other way, in pages of its own; `path` is its name in errors. Zeros fill up to `length`.
    public init(holding content: [UInt8], path: String, length: Int? = nil) throws(FileError) {
        self.path = path
        slot = nil
        let length = max(length ?? 0, content.count)
        guard length > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let base, base != UnsafeMutableRawPointer(bitPattern: -1) else { throw System.failure("cannot hold the file", path, errno) }
        content.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: base, count: length).copyMemory(from: $0) }
        bytes = UnsafeRawBufferPointer(start: base, count: length)
    }

    /// Throws if the file was truncated under the map, so that something that was read may have been zeros.
    public func checkIntact() throws(FileError) {
        guard let slot, BusGuard.isDamaged(slot) else { return }
        throw FileError(
            "the file was cut short while it was in use", path: path, expected: "\(count) bytes",
            hint: "restore the file and start again; do not change files that are in use")
    }

    deinit {
        if let slot { BusGuard.release(slot) }
        if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
    }

    public enum Advice: Sendable { case sequential, random, willNeed, doNotNeed }

    /// Tells the system how the pages (those that lie in `range` as a whole) will be used; only a hint, failures do not matter.
    public func advise(_ advice: Advice, _ range: Range<Int>? = nil) {
        guard let base = bytes.baseAddress else { return }
        let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        let page = Int(getpagesize())
        let start = range.lowerBound == 0 ? 0 : (range.lowerBound - 1) / page * page + page
        guard start < range.upperBound else { return }
        let end = range.upperBound == bytes.count ? range.upperBound : range.upperBound / page * page
        guard start < end else { return }
        let flag =
            switch advice {
            case .sequential: MADV_SEQUENTIAL
            case .random: MADV_RANDOM
            case .willNeed: MADV_WILLNEED
            case .doNotNeed: MADV_DONTNEED
            }
        _ = madvise(UnsafeMutableRawPointer(mutating: base) + start, end - start, Int32(flag))
    }
}

/// Reads a whole regular file into memory; more than `limit` bytes is an error, whatever size the file claims.
public func readFile(_ path: String, limit: Int = 1 << 32) throws(FileError) -> [UInt8] {
    let (fd, size) = try System.openRegular(path)
    defer { close(fd) }
    guard size <= limit else { throw tooLarge(path, limit, size) }
    var content: [UInt8] = []
    var chunk = size + 1  // one more than the size tells growth apart from the end
    while true {
        let start = content.count
        content.append(contentsOf: repeatElement(0, count: chunk))
        var got: Result<Int, FileError> = .success(0)
        content.withUnsafeMutableBytes { buffer in
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
            do throws(FileError) { got = .success(try System.read(fd, rest, path)) } catch { got = .failure(error) }
        }
        let n = try got.get()
        content.removeLast(chunk - n)
        if n < chunk { return content }
        if content.count > limit { throw tooLarge(path, limit, content.count) }
        chunk = 1 << 16
    }
}

private func tooLarge(_ path: String, _ limit: Int, _ size: Int) -> FileError {
    FileError("the file is too large for this use", path: path, expected: "at most \(limit) bytes", found: "\(size)")
}
