#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Holds a folder for one process (and one owner within it) until the lock is released.
///
/// The lock is `flock` on `FOLDER/.lock`, so it ends with the process whatever kills it; the file itself stays and
/// holds the owner's process id for the message that a second owner gets.
public final class FolderLock: Sendable {
    public let path: String
    private let fd: Int32

    public init(_ folder: String) throws(FileError) {
        path = Folder.join(folder, ".lock")
        fd = try System.open(path, O_RDWR | O_CREAT)
        while flock(fd, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            let owner = (try? Self.owner(fd, path)) ?? ""
            close(fd)
            guard code == EWOULDBLOCK else { throw System.failure("cannot lock the folder", folder, code) }
            throw FileError(
                "the folder is in use", path: folder, found: "process \(owner.isEmpty ? "unknown" : owner)",
                hint: "wait until it ends or choose another folder", code: code)
        }
        ftruncate(fd, 0)
        let pid = Array("\(System.processID)\n".utf8)
        _ = pid.withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }
    }

    deinit {
        ftruncate(fd, 0)
        close(fd)
    }

    private static func owner(_ fd: Int32, _ path: String) throws(FileError) -> String {
        var text = [UInt8](repeating: 0, count: 20)
        let n = pread(fd, &text, text.count, 0)
        return String(decoding: text.prefix(max(n, 0)).prefix { $0 >= 48 && $0 < 58 }, as: UTF8.self)
    }
}
