/// What a document is, as far as its cleaning asks.
enum DocumentKind: Equatable, Sendable {
    case text
    case markdown
    case source(Language)
    /// HTML, whose main text is taken out.
    case page
    /// A row of a table or a JSON value that came as text.
    case row

    /// The name of the language or format, as metadata and reports have it.
    var label: String {
        switch self {
        case .text: "text"
        case .markdown: "markdown"
        case .source(let language): language.name
        case .page: "html"
        case .row: "row"
        }
    }

    /// Whether spaces, decomposed characters and form feeds may carry meaning, so that only line ends are made equal.
    var isCode: Bool { if case .source = self { true } else { false } }
}
