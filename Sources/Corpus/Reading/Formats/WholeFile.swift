internal import QuintetFiles

extension SourceFormat {
    static let text = SourceFormat(name: "text", endings: ["txt", "text", "rst", "adoc", "tex", "org"]) {
        input, limits throws(FileError) in WholeFileReader(input, .text, limits)
    }
    static let markdown = SourceFormat(name: "markdown", endings: ["md", "markdown", "mdown"]) {
        input, limits throws(FileError) in WholeFileReader(input, .markdown, limits)
    }
    /// Source code; its language is told by the ending or the `#!` line.
    static let source = SourceFormat(name: "source") { input, limits throws(FileError) in
        WholeFileReader(input, input.kind?.language.map { .source($0) } ?? .text, limits)
    }
    static let html = SourceFormat(name: "html", endings: ["html", "htm", "xhtml"], recognizes: beginsLikeHTML) {
        input, limits throws(FileError) in WholeFileReader(input, .page, limits)
    }

    private static let beginsLikeHTML: @Sendable (UnsafeRawBufferPointer) -> Bool = { head in
        let head = head.withoutLeadingSpace
        return head.beginsWithoutCase("<!doctype html") || head.beginsWithoutCase("<html") || head.beginsWithoutCase("<head")
    }
}

/// A file that is one document.
final class WholeFileReader: DocumentReader {
    private let input: Input
    private let kind: DocumentKind
    private let limit: Int
    private var isRead = false

    init(_ input: Input, _ kind: DocumentKind, _ limits: ReadLimits) {
        self.input = input
        self.kind = kind
        limit = limits.document
    }

    func next() throws(FileError) -> ReadItem? {
        if isRead { return nil }
        isRead = true
        guard let content = try input.stream.readAll(limit: limit) else {
            return .refused(Refusal(reason: "larger than \(limit) bytes"))
        }
        var metadata = input.metadata
        metadata["language"] = .string(kind.label)
        if kind == .markdown { metadata["format"] = .string(kind.label) }
        return .document(RawDocument(content: content, kind: kind, source: input.name, created: input.created, metadata: metadata))
    }
}
