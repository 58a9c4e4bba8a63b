#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
import QuintetFiles

/// A log that grows line by line. A full disk never stops the work: what could not be written waits and is tried again.
final class AppendFile {
    private let path: String
    private let fd: Int32
    /// Bytes that are whole on disk.
    private(set) var size: Int
    private var waiting: [UInt8] = []
    private(set) var problem: FileError?

    init(_ path: String) throws(FileError) {
        self.path = path
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard fd >= 0 else { throw FileError("cannot open the file", path: path, found: String(cString: strerror(errno)), code: errno) }
        size = max(0, Int(lseek(fd, 0, SEEK_END)))
    }

    deinit { close(fd) }

    func append(_ bytes: [UInt8]) {
        waiting += bytes
        var done = 0
        while done < waiting.count {
            let count = waiting.withUnsafeBytes { write(fd, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return fail() }
            done += count
        }
        size += waiting.count
        waiting.removeAll(keepingCapacity: true)
        problem = nil
    }

    /// Takes back a half-written line, so that the file always ends with a whole one.
    private func fail() {
        let code = errno
        problem = FileError("cannot write the file", path: path, found: String(cString: strerror(code)), code: code)
        ftruncate(fd, off_t(size))
        // A disk that stays full must not fill the memory, too.
        if waiting.count > 1 << 24 { waiting.removeAll() }
    }
}
