#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Folders and paths: create, list in a fixed order, remove. Paths are plain strings with `/`.
public enum Folder {
    /// Joins two parts; an absolute `name` stands alone.
    public static func join(_ folder: String, _ name: String) -> String {
        if folder.isEmpty || name.hasPrefix("/") { return name }
        return folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// The path without its last part: "." for a bare name.
    public static func parent(of path: String) -> String {
        let path = trimmed(path)
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part of a path.
    public static func name(of path: String) -> String {
        let path = trimmed(path)
        return path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// The part after the last dot of the name, lower-cased: "swift" for "A/B.Swift"; empty for ".gitignore" and "Makefile".
    public static func fileExtension(of path: String) -> String {
        let name = name(of: path)
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// The order of names everywhere: by UTF-8 bytes, the same on every system.
    public static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    private static func mode(_ path: String, follow: Bool = true) -> mode_t? {
        PathBytes(path).status(follow: follow).map { $0.mode & S_IFMT }
    }

    public static func exists(_ path: String) -> Bool { mode(path, follow: false) != nil }
    public static func isFolder(_ path: String) -> Bool { mode(path) == S_IFDIR }
    public static func isFile(_ path: String) -> Bool { mode(path) == S_IFREG }
    /// A pipe that has a name: a FIFO, or what a shell makes of `<(...)`.
    public static func isPipe(_ path: String) -> Bool { mode(path) == S_IFIFO }

    /// What a path is, in words, for errors: "a folder", "a pipe (FIFO)"; nil if nothing is there.
    public static func kind(of path: String) -> String? { mode(path).map { System.kind($0) } }

    /// Size of a file in bytes.
    public static func size(of path: String) throws(FileError) -> Int { try status(path).size }

    /// Time of the last change in whole seconds since 1970.
    public static func changed(_ path: String) throws(FileError) -> Int { try status(path).changed }

    private static func status(_ path: String) throws(FileError) -> FileStatus {
        errno = 0
        guard let status = PathBytes(path).status() else { throw System.failure("cannot look at the file", path, errno) }
        return status
    }

    /// The absolute path with symbolic links resolved, as far as the path exists.
    public static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else {
            let parent = parent(of: path)
            return parent == path ? path : join(resolved(parent), name(of: path))
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// Creates the folder and its missing parents.
    public static func create(_ path: String) throws(FileError) {
        if mkdir(path, 0o755) == 0 { return }
        let code = errno
        if code == EEXIST, isFolder(path) { return }
        let parent = parent(of: path)
        guard code == ENOENT, parent != path, !path.isEmpty else {
            if code == EEXIST { throw FileError("cannot create the folder", path: path, found: kind(of: path) ?? "a name") }
            throw System.failure("cannot create the folder", path, code)
        }
        try create(parent)
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw System.failure("cannot create the folder", path, errno) }
    }

    /// True if nothing is there, or an empty folder; false for a folder with anything in it. A file is an error.
    public static func isFree(_ path: String) throws(FileError) -> Bool {
        guard exists(path) else { return true }
        guard isFolder(path) else {
            throw FileError("not a folder", path: path, expected: "a folder", found: kind(of: path) ?? "a broken link")
        }
        return try isEmpty(path)
    }

    public static func isEmpty(_ path: String) throws(FileError) -> Bool { try names(in: path).isEmpty }

    /// The names in a folder, in order, without "." and "..".
    public static func names(in path: String) throws(FileError) -> [String] {
        try entries(of: PathBytes(path)).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// The same as the bytes that they are.
    static func entries(of path: PathBytes) throws(FileError) -> [PathBytes] {
        guard let stream = opendir(path.cString) else { throw System.failure("cannot open the folder", path.display, errno) }
        defer { closedir(stream) }
        var names: [PathBytes] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) { PathBytes(cString: $0) }
            }
            if name.bytes != [0x2E], name.bytes != [0x2E, 0x2E] { names.append(name) }
        }
        if errno != 0 { throw System.failure("cannot read the folder", path.display, errno) }
        return names.sorted(by: PathBytes.precedes)
    }

    /// Every regular file below `path`, sorted by path; links to folders are not followed.
    ///
    /// `hidden` takes names that begin with a dot, too; `skip` names folders that are passed over.
    public static func files(
        under path: String, hidden: Bool = false, skip: (String) -> Bool = { _ in false }
    ) throws(FileError) -> [String] {
        try list(path, hidden: hidden, skip: skip) { $0 == .file }
    }

    /// Every folder below `path`, sorted by path.
    public static func folders(under path: String) throws(FileError) -> [String] {
        try list(path, hidden: true, skip: { _ in false }) { $0 == .folder }
    }

    private static func list(
        _ path: String, hidden: Bool, skip: (String) -> Bool, _ wanted: (Found) -> Bool
    ) throws(FileError) -> [String] {
        var found: [String] = []
        try walk(PathBytes(path), hidden: hidden, skip: skip) { path, kind throws(FileError) in
            if case .closed(let error) = kind { throw error }
            if wanted(kind), let text = path.text { found.append(text) }
        }
        return found.sorted(by: precedes)
    }

    /// What a walk comes upon.
    public enum Found: Sendable, Equatable {
        /// A regular file, or a link to one.
        case file
        /// A folder; the walk goes into it.
        case folder
        /// Neither, in words: "a link to a folder", "a dangling link", "a pipe (FIFO)".
        case other(String)
        /// A folder that cannot be opened.
        case closed(FileError)
    }

    /// Visits everything below `path` in no order, also what is no file and what has a name that is no UTF-8; links to folders are not followed.
    public static func walk(
        _ path: PathBytes, hidden: Bool = false, skip: (String) -> Bool = { _ in false }, _ visit: (PathBytes, Found) throws(FileError) -> Void
    ) throws(FileError) {
        var waiting: [PathBytes] = []
        func enter(_ folder: PathBytes, _ names: [PathBytes]) throws(FileError) {
            for name in names where hidden || name.bytes.first != 0x2E {
                let item = folder.joined(name)
                guard let found = found(item) else { continue }
                if found == .folder {
                    if skip(name.display) { continue }
                    waiting.append(item)
                }
                try visit(item, found)
            }
        }
        try enter(path, try entries(of: path))
        while let folder = waiting.popLast() {
            let names: [PathBytes]
            do throws(FileError) { names = try entries(of: folder) } catch {
                try visit(folder, .closed(error))
                continue
            }
            try enter(folder, names)
        }
    }

    /// What is there; nil where it has gone meanwhile.
    private static func found(_ item: PathBytes) -> Found? {
        guard let status = item.status(follow: false) else { return nil }
        if status.isFolder { return .folder }
        if status.isFile { return .file }
        guard status.isLink else { return .other(status.kind) }
        guard let target = item.status() else { return .other("a dangling link") }
        return target.isFile ? .file : .other(target.isFolder ? "a link to a folder" : target.kind)
    }

    /// Removes a file or a folder with everything in it; links are removed, not followed. A missing path is fine.
    public static func remove(_ path: String) throws(FileError) {
        guard let mode = mode(path, follow: false) else { return }
        guard mode == S_IFDIR else {
            if unlink(path) != 0, errno != ENOENT { throw System.failure("cannot remove the file", path, errno) }
            return
        }
        // Another process may be removing the same; what is gone already is as it should be.
        let inside: [String]
        do { inside = try names(in: path) } catch {
            guard Self.mode(path, follow: false) != nil else { return }
            throw error
        }
        for name in inside { try remove(join(path, name)) }
        if rmdir(path) != 0, errno != ENOENT { throw System.failure("cannot remove the folder", path, errno) }
    }

    /// Gives a file another name on the same disk, in place of what has that name.
    public static func move(_ path: String, to target: String) throws(FileError) {
        try System.rename(path, to: target)
        try System.synchronize(folder: parent(of: target))
    }

    /// A new empty folder for a test or scratch data, under TMPDIR or /tmp; the caller removes it.
    public static func temporary(_ label: String = "quintet") throws(FileError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array(join(base, "\(label)-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw System.failure("cannot create a temporary folder", base, errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
