#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The few system calls the room needs, each with `EINTR` retried and the failure turned into a `FileError`.
enum System {
    /// The typed error for a failed call: what was tried, on which path, and the system's reason.
    static func failure(_ what: String, _ path: String, _ code: Int32) -> FileError {
        FileError(what, path: path, found: String(cString: strerror(code)), hint: hint(code), code: code)
    }

    private static func hint(_ code: Int32) -> String? {
        switch code {
        case ENOENT: "check the path"
        case EACCES, EPERM: "check the permissions"
        case ENOSPC, EDQUOT: "free some space and run again"
        case EROFS: "choose a folder that can be written"
        case EIO: "the device reports an error: keep a copy of the data elsewhere"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: nil
        }
    }

    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(FileError) -> Int32 { try open(PathBytes(path), flags, mode: mode) }

    static func open(_ path: PathBytes, _ flags: Int32, mode: mode_t = 0o644) throws(FileError) -> Int32 {
        guard !path.bytes.contains(0) else { throw FileError("the path holds a NUL character", path: path.display) }
        let name = path.cString
        while true {
            #if canImport(Darwin)
                let fd = Darwin.open(name, flags | O_CLOEXEC, mode)
            #elseif canImport(Musl)
                let fd = Musl.open(name, flags | O_CLOEXEC, mode)
            #else
                let fd = Glibc.open(name, flags | O_CLOEXEC, mode)
            #endif
            if fd >= 0 { return fd }
            let code = errno
            if code == EINTR { continue }
            throw failure(flags & O_CREAT == 0 ? "cannot open the file" : "cannot create the file", path.display, code)
        }
    }

    /// Opens a regular file for reading and gives its size; a FIFO, device or folder is refused without waiting on it.
    static func openRegular(_ path: String) throws(FileError) -> (fd: Int32, size: Int) { try openRegular(PathBytes(path)) }

    static func openRegular(_ path: PathBytes) throws(FileError) -> (fd: Int32, size: Int) {
        let fd = try open(path, O_RDONLY | O_NONBLOCK)
        var info = stat()
        guard fstat(fd, &info) == 0 else {
            let code = errno
            close(fd)
            throw failure("cannot look at the file", path.display, code)
        }
        guard info.st_mode & S_IFMT == S_IFREG, let size = Int(exactly: info.st_size) else {
            close(fd)
            throw FileError("cannot read this", path: path.display, expected: "a regular file", found: kind(info.st_mode))
        }
        return (fd, size)
    }

    static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe (FIFO)"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFSOCK: "a socket"
        case S_IFLNK: "a symbolic link"
        default: "a regular file"
        }
    }

    /// Reads until `buffer` is full or the file ends; returns the number of bytes read.
    static func read(_ fd: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ path: String) throws(FileError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            #if canImport(Darwin)
                let n = Darwin.read(fd, base + done, buffer.count - done)
            #elseif canImport(Musl)
                let n = Musl.read(fd, base + done, buffer.count - done)
            #else
                let n = Glibc.read(fd, base + done, buffer.count - done)
            #endif
            if n == 0 { break }
            if n > 0 {
                done += n
            } else if errno != EINTR {
                throw failure("cannot read the file", path, errno)
            }
        }
        return done
    }

    /// Writes all of `bytes`; a short write goes on, any other failure is thrown.
    static func write(_ fd: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws(FileError) {
        guard let base = bytes.baseAddress else { return }
        var done = 0
        while done < bytes.count {
            let part = min(bytes.count - done, 1 << 30)
            #if canImport(Darwin)
                let n = Darwin.write(fd, base + done, part)
            #elseif canImport(Musl)
                let n = Musl.write(fd, base + done, part)
            #else
                let n = Glibc.write(fd, base + done, part)
            #endif
            if n >= 0 {
                done += n
            } else if errno != EINTR {
                throw failure("cannot write the file", path, errno)
            }
        }
    }

    /// Asks that what was written survives a power cut.
    static func synchronize(_ fd: Int32, _ path: String) throws(FileError) {
        #if canImport(Darwin)
            if fcntl(fd, F_FULLFSYNC) == 0 { return }
        #endif
        while fsync(fd) != 0 {
            let code = errno
            if code == EINTR { continue }
            throw failure("cannot bring the file to disk", path, code)
        }
    }

    /// Starts to bring a file to disk and does not wait; `synchronize` does, and reports what failed.
    static func beginWriting(_ fd: Int32) {
        #if canImport(Glibc)
            _ = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)
        #endif
    }

    static func synchronize(file path: String) throws(FileError) {
        let fd = try open(path, O_RDONLY)
        defer { close(fd) }
        try synchronize(fd, path)
    }

    /// `fsync` of a folder, so that the names in it survive a power cut; file systems without it are left alone.
    static func synchronize(folder path: String) throws(FileError) {
        let fd = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(fd) }
        do { try synchronize(fd, path) } catch {
            if error.code != EINVAL && error.code != EROFS { throw error }
        }
    }

    static func rename(_ old: String, to new: String) throws(FileError) {
        #if canImport(Darwin)
            let failed = Darwin.rename(old, new) != 0
        #elseif canImport(Musl)
            let failed = Musl.rename(old, new) != 0
        #else
            let failed = Glibc.rename(old, new) != 0
        #endif
        if failed { throw failure("cannot give the file its final name", new, errno) }
    }

    static var processID: Int32 { getpid() }

    /// Tells this machine from others that write to the same disk: eight digits of a hash of its name.
    static let machine: String = {
        var name = [CChar](repeating: 0, count: 256)
        let found = gethostname(&name, name.count - 1)
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(sha256(String(decoding: found == 0 ? bytes : [], as: UTF8.self)).prefix(8))
    }()

    /// Whether a process of this machine has this number and runs; one that was killed and not yet waited for does not.
    static func isAlive(_ process: Int32) -> Bool {
        guard kill(process, 0) == 0 || errno == EPERM else { return false }
        #if os(Linux)
            guard let fd = try? open("/proc/\(process)/stat", O_RDONLY) else { return true }
            defer { close(fd) }
            var text = [UInt8](repeating: 0, count: 256)
            let count = (try? text.withUnsafeMutableBytes { raw throws(FileError) in try read(fd, raw, "stat") }) ?? 0
            // "PID (NAME) STATE ...": the name may hold anything.
            guard let end = text[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else { return true }
            return text[end + 2] != UInt8(ascii: "Z") && text[end + 2] != UInt8(ascii: "X")
        #else
            return true
        #endif
    }
}
