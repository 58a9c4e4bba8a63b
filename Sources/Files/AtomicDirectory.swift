#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A folder that appears whole or not at all.
///
/// Files are written under a temporary sibling (`.tmp-NAME-...`); `manifest.json` with their sizes and SHA-256 goes last;
/// then all is brought to disk, the folder is renamed and its parent brought to disk. Without `commit()` nothing stays.
///
/// ```swift
/// let folder = try AtomicDirectory(final: "run/checkpoints/100")
/// try folder.file("state.json") { writer in try writer.write("{}") }
/// try folder.commit()
/// try AtomicDirectory.verify("run/checkpoints/100")
/// ```
public final class AtomicDirectory: Sendable {
    public static let manifestName = "manifest.json"
    /// The folder's name once it is committed.
    public let final: String
    /// Where the files are until then. Files written here by other means are taken into the manifest, too.
    public let temporary: String

    struct Entry: Sendable {
        var size: Int
        var digest: String
    }
    private struct State {
        var entries: [String: Entry] = [:]
        /// Files that are not on disk yet: many small ones brought there together cost about what one does.
        var waiting: [String] = []
        /// Files that the manifest leaves out.
        var unlisted: Set<String> = []
        var done = false
    }
    /// Larger files are brought to disk as they are finished, so that little waits at the end.
    private static let waitLimit = 4 << 20
    private let state = Guarded(State())

    /// Opens the temporary folder; `path` must not exist or be an empty folder. Missing parents are created.
    public init(final path: String) throws(FileError) {
        final = path
        guard try Folder.isFree(path) else {
            throw FileError("the folder is not empty", path: path, hint: "choose another folder or remove this one")
        }
        try Folder.create(Folder.parent(of: path))
        temporary = AtomicFile.temporaryName(for: path)
        try Folder.create(temporary)
    }

    deinit { discard() }

    /// Writes one file; `name` may hold folders ("documents/00000.jsonl") but never leaves this one.
    @discardableResult
    public func file<Value>(_ name: String, _ body: (inout FileWriter) throws -> Value) throws -> Value {
        let path = Folder.join(temporary, try Self.checked(name))
        try Folder.create(Folder.parent(of: path))
        var writer = try FileWriter(creating: path, hashing: true)
        do {
            let value = try body(&writer)
            try close(writer, as: name)
            return value
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Writes a file that tells of this run, with its seconds: the manifest leaves it out, and so is the same for the same contents.
    public func account(_ name: String, _ text: some Collection<UInt8>) throws {
        state.withLock { _ = $0.unlisted.insert(name) }
        try file(name) { writer in try writer.write(text) }
    }

    /// Opens a file that is written bit by bit beside others; `finish(_:)` closes it.
    public func open(_ name: String) throws(FileError) -> FileWriter {
        let path = Folder.join(temporary, try Self.checked(name))
        try Folder.create(Folder.parent(of: path))
        return try FileWriter(creating: path, hashing: true)
    }

    /// Closes a file from `open(_:)` and takes it into the manifest.
    public func finish(_ writer: FileWriter) throws(FileError) {
        try close(writer, as: String(writer.path.dropFirst(temporary.count + 1)))
    }

    private func close(_ writer: FileWriter, as name: String) throws(FileError) {
        let waits = writer.position < Self.waitLimit
        try writer.finish(synchronizing: !waits)
        let entry = Entry(size: writer.position, digest: writer.digest ?? "")
        state.withLock { state in
            state.entries[name] = entry
            if waits { state.waiting.append(writer.path) }
        }
    }

    /// A path inside the temporary folder for a writer that wants a path; its folder is created.
    public func path(_ name: String) throws(FileError) -> String {
        let path = Folder.join(temporary, try Self.checked(name))
        try Folder.create(Folder.parent(of: path))
        return path
    }

    /// Writes the manifest and gives the folder its final name.
    public func commit() throws(FileError) {
        try typed(final) {
            try adopt()
            let manifest = Self.manifest(state.withLock { state in state.entries.filter { !state.unlisted.contains($0.key) } })
            let writer = try FileWriter(creating: Folder.join(temporary, Self.manifestName), hashing: false)
            try writer.write(manifest.serialized(pretty: true) + "\n")
            try writer.finish(synchronizing: false)
            for path in state.withLock({ $0.waiting }) + [writer.path] { try System.synchronize(file: path) }
            for folder in try Folder.folders(under: temporary) { try System.synchronize(folder: folder) }
            try System.synchronize(folder: temporary)
            try System.rename(temporary, to: final)
            state.withLock { $0.done = true }
            try System.synchronize(folder: Folder.parent(of: final))
        }
    }

    /// Removes everything that was written; nothing happens after `commit()`.
    public func discard() {
        let done = state.withLock { state in
            defer { state.done = true }
            return state.done
        }
        if !done { try? Folder.remove(temporary) }
    }

    /// Takes in files that other writers put into the temporary folder.
    private func adopt() throws {
        for path in try Folder.files(under: temporary, hidden: true) {
            let name = String(path.dropFirst(temporary.count + 1))
            if state.withLock({ $0.entries[name] }) != nil { continue }
            let (size, digest) = try Self.measure(path)
            try System.synchronize(file: path)
            state.withLock { $0.entries[name] = Entry(size: size, digest: digest) }
        }
    }

    private static func checked(_ name: String) throws(FileError) -> String {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.utf8.contains(0), parts.allSatisfy({ !["", ".", ".."].contains($0) }), name != manifestName else {
            throw FileError("not a name inside the folder", path: name)
        }
        return name
    }

    static func measure(_ path: String) throws(FileError) -> (size: Int, digest: String) {
        var hash = SHA256Stream()
        var size = 0
        try readPieces(path) { piece throws(FileError) in
            hash.update(piece)
            size += piece.count
        }
        return (size, hash.hex)
    }

    private static func manifest(_ entries: [String: Entry]) -> JSON {
        let files = entries.sorted { Folder.precedes($0.key, $1.key) }.map { name, entry -> JSON in
            ["name": .string(name), "bytes": JSON(entry.size), "sha256": .string(entry.digest)]
        }
        return ["format": 1, "files": .array(files)]
    }
}

extension AtomicDirectory {
    /// Checks a committed folder against its manifest: every file there, with its size and SHA-256.
    ///
    /// `contents: false` checks names and sizes alone. Files that the manifest does not name are left alone.
    public static func verify(_ path: String, contents: Bool = true) throws(FileError) {
        let manifestPath = Folder.join(path, manifestName)
        for (name, size, digest) in try entries(manifestPath) {
            let file = Folder.join(path, name)
            let found = contents ? try measure(file) : (try Folder.size(of: file), digest)
            guard found.0 == size else {
                throw FileError(
                    "the file is not as the manifest says", path: file, field: "bytes", expected: "\(size)", found: "\(found.0)")
            }
            guard found.1 == digest else {
                throw FileError(
                    "the file is damaged", path: file, field: "sha256", expected: digest, found: found.1,
                    hint: "use an older copy of the folder")
            }
        }
    }

    private static func entries(_ path: String) throws(FileError) -> [(name: String, size: Int, digest: String)] {
        let manifest = try JSON.read(path)
        guard manifest["format"]?.int == 1, let files = manifest["files"]?.array else {
            throw FileError("not a manifest of this version", path: path, field: "format", expected: "1 with \"files\"")
        }
        var entries: [(String, Int, String)] = []
        for (index, file) in files.enumerated() {
            guard let name = file["name"]?.string, let size = file["bytes"]?.int, let digest = file["sha256"]?.string else {
                throw FileError("bad manifest entry", path: path, field: "files[\(index)]", expected: "name, bytes, sha256")
            }
            entries.append((try checked(name), size, digest))
        }
        return entries
    }
}
