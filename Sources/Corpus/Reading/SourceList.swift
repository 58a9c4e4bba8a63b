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
    var path: String
    /// nil where the content has to tell.
    var kind: FileKind?
    var size: Int
    /// Named by the user, not found in a folder.
    var isNamed: Bool
}

/// Turns what the user named (files, folders, patterns) into the list of files, in a fixed order.
struct SourceList {
    var files: [SourceFile] = []
    /// Files in the folders that are passed over, by reason.
    var skipped: [String: Int] = [:]

    /// Folders are searched to the bottom without hidden and build folders; a folder that is named itself is always taken.
    /// `only` keeps these languages, formats or file endings.
    init(_ sources: [String], only: Set<String>) throws(FileError) {
        var seen: Set<String> = []
        for source in sources {
            if source == "-" {
                if seen.insert(source).inserted { files.append(SourceFile(path: source, kind: nil, size: 0, isNamed: true)) }
                continue
            }
            for path in try Self.expanded(source) {
                if Folder.isFolder(path) {
                    for file in try Self.files(in: path) { try add(file, named: false, only, &seen) }
                } else {
                    try add(path, named: true, only, &seen)
                }
            }
        }
    }

    private mutating func add(_ path: String, named: Bool, _ only: Set<String>, _ seen: inout Set<String>) throws(FileError) {
        if !seen.insert(Folder.resolved(path)).inserted { return skip("named twice") }
        if named, !Folder.isFile(path) {
            throw FileError("cannot read this", path: path, expected: "a file or folder", found: Folder.kind(of: path))
        }
        let kind = FileKind(path: path) ?? (named ? nil : Self.script(path))
        if kind == nil, !named { return skip("unknown kind of file") }
        if !only.isEmpty, !only.contains(kind?.label ?? ""), !only.contains(Folder.fileExtension(of: path)) {
            return skip("not asked for")
        }
        files.append(SourceFile(path: path, kind: kind, size: (try? Folder.size(of: path)) ?? 0, isNamed: named))
    }

    /// A file without an ending whose first line names an interpreter.
    private static func script(_ path: String) -> FileKind? {
        guard Folder.fileExtension(of: path).isEmpty, let stream = try? ByteStream.open(path), let head = try? stream.peek(256) else { return nil }
        return Language.interpreter(head).map { FileKind(.source, $0) }
    }

    private mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }

    /// The files of a folder; of a gathered folder its documents alone.
    private static func files(in folder: String) throws(FileError) -> [String] {
        let documents = Folder.join(folder, "documents")
        if Folder.isFolder(documents), Folder.isFile(Folder.join(folder, "report.json")) {
            return try Folder.files(under: documents)
        }
        return try Folder.files(under: folder) { ["node_modules", "__pycache__"].contains($0) }
    }

    /// A path that is there stands for itself; otherwise `*`, `?` and `[...]` are expanded, sorted by name.
    private static func expanded(_ source: String) throws(FileError) -> [String] {
        if Folder.exists(source) { return [source] }
        var found = glob_t()
        defer { globfree(&found) }
        guard source.contains(where: { "*?[".contains($0) }), glob(source, 0, nil, &found) == 0 else {
            throw FileError("nothing is there", path: source, hint: "check the path")
        }
        var paths: [String] = []
        for i in 0..<Int(found.gl_pathc) { if let path = found.gl_pathv[i] { paths.append(String(cString: path)) } }
        return paths.sorted(by: Folder.precedes)
    }
}
