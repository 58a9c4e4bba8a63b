public import QuintetFiles

/// The texts of document folders, JSONL files and plain text files, in a fixed order.
///
/// A folder stands for its `documents/*.jsonl` where it has them (what `gather` and `scrub` write), else for every file in it.
public struct DocumentFiles: Sendable {
    /// Files to read, in order.
    public let paths: [String]

    public init(_ sources: [String]) throws(FileError) {
        var paths: [String] = []
        for source in sources {
            guard Folder.isFolder(source) else {
                paths.append(source)
                continue
            }
            let documents = Folder.join(source, "documents")
            paths += try Folder.files(under: Folder.isFolder(documents) ? documents : source)
        }
        guard !paths.isEmpty else {
            throw FileError("there are no files to read", path: sources.joined(separator: " "))
        }
        self.paths = paths
    }

    /// Total size of the files, bytes.
    public func size() throws(FileError) -> Int {
        var total = 0
        for path in paths { total += try Folder.size(of: path) }
        return total
    }

    /// Calls `body` with the bytes of each document, in order, and with how many bytes of the files are done.
    public func forEachDocument(_ body: (UnsafeRawBufferPointer, Int) throws(FileError) -> Void) throws(FileError) {
        var before = 0
        for path in paths {
            let file = try MappedFile(path)
            if let extra = Self.compressed(path) {
                throw FileError("compressed files are not read here", path: path, found: extra, hint: "decompress it first")
            }
            if Folder.fileExtension(of: path) == "jsonl" {
                try Self.rows(of: file) { (text, offset) throws(FileError) in try body(text, before + offset) }
            } else if file.count > 0 {
                try body(file.bytes, before + file.count)
            }
            before += file.count
        }
    }

    private static func compressed(_ path: String) -> String? {
        ["gz", "zst", "xz", "bz2"].first { $0 == Folder.fileExtension(of: path) }
    }

    /// The "text" of each line of a JSONL file; empty lines are passed over.
    private static func rows(
        of file: MappedFile, _ body: (UnsafeRawBufferPointer, Int) throws(FileError) -> Void
    ) throws(FileError) {
        var number = 0
        try forEachLine(of: file.bytes) { (line, end) throws(FileError) in
            number += 1
            if line.isEmpty { return }
            var text = try text(ofRow: line, path: file.path, line: number)
            let result = text.withUTF8 { utf8 -> Result<Void, FileError> in
                do throws(FileError) { return .success(try body(UnsafeRawBufferPointer(utf8), end)) } catch {
                    return .failure(error)
                }
            }
            try result.get()
        }
    }

    /// The "text" member of one JSONL row.
    public static func text(ofRow line: UnsafeRawBufferPointer, path: String, line number: Int) throws(FileError) -> String {
        let row: JSON
        do throws(FileError) { row = try JSON.parse(line, source: path) } catch {
            var error = error
            error.line = number
            throw error
        }
        guard let text = row["text"]?.string else {
            throw FileError(
                "a row without text", path: path, field: "text", expected: "a string", found: row["text"]?.kind ?? row.kind,
                line: number)
        }
        return text
    }

    /// Calls `body` with each line without its end (`\n` or `\r\n`), and with the offset after it.
    public static func forEachLine(
        of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, Int) throws(FileError) -> Void
    ) throws(FileError) {
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
            let isCRLF = end > start && bytes[end - 1] == 13
            try body(UnsafeRawBufferPointer(rebasing: bytes[start..<(isCRLF ? end - 1 : end)]), min(end + 1, bytes.count))
            start = end + 1
        }
    }
}
