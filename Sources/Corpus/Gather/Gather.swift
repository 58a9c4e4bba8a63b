internal import QuintetFiles

/// Raw files in, clean documents out: `documents/`, `audit/`, `quarantine/`, `metrics.jsonl` and `report.json` in one folder.
///
/// The folder appears whole or not at all. `documents/` and `audit/` are the same bytes for the same input, run after run.
///
/// ```swift
/// let report = try Gather().run(["Sources", "notes.md"], into: "corpus")
/// print(report.summary)
/// ```
public struct Gather {
    public struct Options: Sendable {
        /// Keep only these languages ("swift"), formats ("markdown") or file endings; empty keeps all.
        public var only: Set<String> = []
        /// Letters and digits below which a file is dropped as near empty.
        public var minimumLetters = 16
        /// Largest document in bytes; larger ones go to quarantine.
        public var documentLimit = 64 << 20
        /// Size of a file of documents in bytes.
        public var shardBytes = 32 << 20
        /// Stop at the first bad file or row instead of putting it into quarantine.
        public var strict = false
        /// How documents are written.
        public var compression = Compression.none
        /// The field or column that holds the text; nil takes "text", "content" and other usual ones.
        public var textField: String?
        /// The format of what its name does not tell, as standard input; nil lets the content tell.
        public var format: String?
        /// No progress line.
        public var quiet = false
        public init() {}
    }

    /// How files of documents are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        case none, zstd
    }

    /// The formats that are read, by name.
    public static var formats: [String] { SourceFormat.all.map(\.name) }

    /// What `only` may name: formats, languages and the endings of files.
    public static var kinds: Set<String> { FileKind.names }

    private let options: Options

    public init(_ options: Options = Options()) { self.options = options }

    /// Gathers files, folders and patterns into a new folder.
    ///
    /// Where every document was dropped or set aside the folder is written all the same, for its account, and then an error is thrown.
    @discardableResult
    public func run(_ sources: [String], into path: String) throws -> GatherReport {
        try OutputPlace.check(path, apartFrom: sources.filter { $0 != "-" })
        if let unknown = options.only.subtracting(Self.kinds).min() {
            throw FileError(
                "no such kind of file", field: "only", expected: (Self.formats + Language.all.map(\.name)).joined(separator: ", ") + ", or a file's ending", found: unknown)
        }
        if let name = options.format, SourceFormat.named(name) == nil {
            throw FileError("no such format", expected: Self.formats.joined(separator: ", "), found: name)
        }
        let list = try SourceList(sources, only: options.only)
        guard !list.files.isEmpty else {
            throw FileError(
                "no text files found", path: sources.joined(separator: " "), found: Self.reasons(list.skipped),
                hint: "read are: " + Self.formats.joined(separator: ", "))
        }
        let total = list.files.reduce(0) { $0 + $1.size }
        try AtomicFile.removeLeftovers(of: path)
        let bar = ProgressBar(label: "gather", total: total, unit: "bytes", quiet: options.quiet)
        var work = try GatherWork(into: path, options, bar)
        for file in list.files {
            try StopSignal.check()
            try work.read(file)
            work.show(file.size)
        }
        bar.finish()
        work.report.files = list.files.count
        work.report.skipped = list.skipped
        return try work.finish()
    }

    static func reasons(_ counts: [String: Int]) -> String? {
        let parts = counts.sorted { Folder.precedes($0.key, $1.key) }.map { "\($0.value) \($0.key)" }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
