#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import QuintetFiles

/// A file that will be read, and how.
struct SourceFile: Sendable {
    /// "-" is standard input.
    var path: PathBytes
    /// nil where the content has to tell.
    var kind: FileKind?
    var size = 0
    /// Time of the last change in seconds since 1970.
    var changed: Int?
    /// Named by the user, not found in a folder.
    var isNamed: Bool

    static let standardInput = PathBytes("-")
}

/// Turns what the user named (files, folders, patterns) into the list of files, in a fixed order.
struct SourceList {
    var files: [SourceFile] = []
    /// Files in the folders that are passed over, by reason.
    var skipped: [String: Int] = [:]
    private let only: Set<String>
    private var seen: Set<PathBytes> = []

    /// Folders are searched to the bottom without hidden and build folders; a folder that is named itself is always taken.
    /// `only` keeps these languages, formats or file endings.
    init(_ sources: [String], only: Set<String>) throws(FileError) {
        self.only = only
        for source in sources {
            if source == "-" {
                if seen.insert(SourceFile.standardInput).inserted { files.append(SourceFile(path: SourceFile.standardInput, kind: nil, isNamed: true)) }
                continue
            }
            for path in try Self.expanded(source) {
                if path.status()?.isFolder == true { try addFiles(in: path) } else { try add(path, named: true) }
            }
        }
    }

    private mutating func add(_ path: PathBytes, named: Bool) throws(FileError) {
        if !seen.insert(path.resolved).inserted { return skip("named twice") }
        guard let status = path.status(), status.isFile else {
            if !named { return skip("gone meanwhile") }
            throw FileError("cannot read this", path: path.display, expected: "a file or folder", found: path.status()?.kind ?? "a dangling link")
        }
        let kind = FileKind(path: path.display) ?? (named ? nil : Self.script(path))
        if kind == nil, !named { return skip("unknown kind of file") }
        if !only.isEmpty, !only.contains(kind?.label ?? ""), !only.contains(Folder.fileExtension(of: path.display)) {
            return skip("not asked for")
        }
        files.append(SourceFile(path: path, kind: kind, size: status.size, changed: status.changed, isNamed: named))
    }

    /// A file without an ending whose first line names an interpreter.
    private static func script(_ path: PathBytes) -> FileKind? {
        guard Folder.fileExtension(of: path.display).isEmpty, let file = try? FileReader(path),
            let stream = try? Compression.decoded(ByteStream(file, name: path.display)), let head = try? stream.peek(256)
        else { return nil }
        return Language.interpreter(head).map { FileKind(.source, $0) }
    }

    private mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

    /// The files of a folder; of a gathered folder its documents alone.
    private mutating func addFiles(in folder: PathBytes) throws(FileError) {
        let documents = folder.joined(PathBytes("documents"))
        let isGathered = documents.status()?.isFolder == true && folder.joined(PathBytes("report.json")).status()?.isFile == true
        let skipped = isGathered ? [] : ["node_modules", "__pycache__"]
        var found: [PathBytes] = []
        var others: [String] = []
        try Folder.walk(isGathered ? documents : folder, skip: { skipped.contains($0) }) { path, kind throws(FileError) in
            switch kind {
            case .file: found.append(path)
            case .folder: break
            case .other(let what): others.append(what)
            case .closed: others.append("a folder that cannot be opened")
            }
        }
        for path in found.sorted(by: PathBytes.precedes) { try add(path, named: false) }
        for what in others { skip(what) }
    }

    /// A path that is there stands for itself; otherwise `*`, `?` and `[...]` are expanded, sorted by name.
    private static func expanded(_ source: String) throws(FileError) -> [PathBytes] {
        if Folder.exists(source) { return [PathBytes(source)] }
        let damaged = source.unicodeScalars.contains("\u{FFFD}") ? PathBytes.matching(source) : []
        if !damaged.isEmpty { return damaged }
        var found = glob_t()
        defer { globfree(&found) }
        guard source.contains(where: { "*?[".contains($0) }), glob(source, 0, nil, &found) == 0 else {
            throw FileError("nothing is there", path: source, hint: "check the path")
        }
        var paths: [PathBytes] = []
        for i in 0..<Int(found.gl_pathc) { if let path = found.gl_pathv[i] { paths.append(PathBytes(cString: path)) } }
        return paths.sorted(by: PathBytes.precedes)
    }
}
