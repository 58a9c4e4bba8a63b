internal import QuintetFiles

/// What a file is, judged by its name: decides how it is read and cleaned.
enum FileKind: Equatable, Sendable {
    case text
    case markdown
    case source(Language)
    /// One JSON object with "text" per line.
    case jsonLines

    /// nil for names that are not known to hold text.
    init?(path: String) {
        let name = Self.withoutCompression(Folder.name(of: path))
        if let language = Language.named(name) {  // CMakeLists.txt is no text
            self = .source(language)
            return
        }
        switch Folder.fileExtension(of: name) {
        case "txt", "text", "rst", "adoc", "tex", "org": self = .text
        case "md", "markdown", "mdown": self = .markdown
        case "jsonl", "ndjson", "jsonlines": self = .jsonLines
        case let ending:
            guard let language = Language.ending(ending) else { return nil }
            self = .source(language)
        }
    }

    static func isJSONLines(_ path: String) -> Bool { FileKind(path: path) == .jsonLines }

    /// "a.txt" for "a.txt.gz".
    private static func withoutCompression(_ name: String) -> String {
        name.lowercased().hasSuffix(".gz") ? String(name.dropLast(3)) : name
    }

    /// The name of the language or format, as metadata and reports have it.
    var label: String {
        switch self {
        case .text: "text"
        case .markdown: "markdown"
        case .source(let language): language.name
        case .jsonLines: "jsonl"
        }
    }
}
