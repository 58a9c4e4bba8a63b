internal import QuintetFiles

/// A document's bytes as clean text: decoded, of a page its main text, line ends and characters in one form.
struct CleanDraft {
    var draft: Draft
    /// What the bytes were.
    var encoding: String
    /// What a reader of the source would not see, or not see right.
    var flags: [String] = []

    init(_ raw: RawDocument) throws(TextDecoding.Reason) {
        let text = try TextDecoding.text(raw.content, declared: raw.charset ?? (raw.kind == .page ? HTMLHead.charset(raw.content) : nil))
        encoding = raw.encoding ?? text.encoding
        draft = Draft(
            text: text.bytes, source: raw.source, kind: raw.kind, added: raw.added, created: raw.created, metadata: raw.metadata, line: raw.line,
            givenID: raw.id)
        if text.replaced > 0 { flags.append("damaged characters") }
        if !encoding.hasPrefix("utf-8") { draft.metadata["encoding"] = .string(encoding) }
        if raw.kind == .page { takeMainText() }
        let isCode = isCode
        draft.text = TextCleanup.plain(draft.text, isCode: isCode)
        if !isCode { flagHiddenText() }
    }

    /// Zero-width and direction-changing characters, tag characters, comments of HTML in what is not HTML.
    private mutating func flagHiddenText() {
        let kinds = Set(draft.text.withUnsafeBufferPointer { HiddenText.find($0) }.map(\.entity))
        flags += kinds.sorted().map { $0.replacing("_", with: " ") }
    }

    /// Source files, and rows that are said to hold code.
    private var isCode: Bool {
        if draft.kind.isCode { return true }
        guard let name = draft.metadata["language"]?.string else { return false }
        return Language.all.contains { $0.name == name }
    }

    /// Replaces a page by its main text; what its head says goes into the metadata.
    private mutating func takeMainText() {
        let page = HTMLArticle(draft.text)
        draft.text = page.text
        draft.metadata["language"] = page.language.map { .string($0) } ?? draft.metadata["content_language"] ?? "html"
        draft.metadata["format"] = "html"
        let found = [("title", page.title), ("date", page.date), ("author", page.author), ("licence", page.licence)]
        for case (let key, let value?) in found { draft.metadata[key] = .string(value) }
        if draft.metadata["robots"] == nil, let robots = page.robots { draft.metadata["robots"] = .string(robots) }
        if draft.metadata["url"] == nil, let url = page.url { draft.metadata["url"] = .string(url) }
        if page.hasComments { flags.append("comments in HTML") }
        if page.hasHiddenText { flags.append("hidden elements in HTML") }
    }
}
