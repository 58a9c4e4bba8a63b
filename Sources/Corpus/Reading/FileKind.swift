internal import QuintetFiles

/// How a file is read, judged by its name: as source code of a language, or as a format.
struct FileKind: Equatable, Sendable {
    let format: SourceFormat
    var language: Language?

    init(_ format: SourceFormat, _ language: Language? = nil) {
        self.format = format
        self.language = language
    }

    static func == (a: FileKind, b: FileKind) -> Bool { a.label == b.label }

    /// nil for names that are not known to hold text.
    init?(path: String) {
        let name = Compression.withoutEnding(Folder.name(of: path))
        if let language = Language.named(name) {  // CMakeLists.txt is no text
            self.init(.source, language)
            return
        }
        let ending = Folder.fileExtension(of: name)
        if let format = SourceFormat.all.first(where: { $0.endings.contains(ending) }) {
            self.init(format)
        } else if let language = Language.ending(ending) {
            self.init(.source, language)
        } else {
            return nil
        }
    }

    /// What the content begins like: a format that is told by its first bytes, or source by its `#!` line.
    init?(head: UnsafeRawBufferPointer) {
        if let format = SourceFormat.all.first(where: { $0.recognizes?(head) == true }) {
            self.init(format)
        } else if let language = Language.interpreter(head) {
            self.init(.source, language)
        } else {
            return nil
        }
    }

    static func isJSONLines(_ path: String) -> Bool { FileKind(path: path)?.format.name == SourceFormat.jsonLines.name }

    /// Names of formats and languages, and all endings that are known.
    static let names: Set<String> = {
        var all: Set<String> = []
        for format in SourceFormat.all { all.formUnion(format.endings + [format.name]) }
        for language in Language.all { all.formUnion(language.endings + [language.name]) }
        for compression in Compression.all { all.formUnion(compression.endings) }
        return all
    }()

    /// The name of the language or format, as metadata and reports have it.
    var label: String { language?.name ?? format.name }
}
