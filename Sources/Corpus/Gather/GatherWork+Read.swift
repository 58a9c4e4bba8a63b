internal import QuintetFiles

extension GatherWork {
    /// Archives within archives, at most.
    private static let depthLimit = 4

    /// Reads one file. Only failures to write (or `strict`) are thrown; what cannot be read goes to quarantine.
    mutating func read(_ file: SourceFile) throws {
        let input: Input
        do throws(FileError) { input = try open(file) } catch {
            report.bytesIn += file.size
            return try refuse(file.path, Refusal(error))
        }
        try read(input, size: file.size)
        report.bytesIn += input.stream.offset
    }

    private func open(_ file: SourceFile) throws(FileError) -> Input {
        let isStandardInput = file.path == "-"
        let raw = ByteStream(isStandardInput ? FileReader.standardInput() : try FileReader(file.path), name: isStandardInput ? "stdin" : file.path)
        let expansion = Expansion(of: raw)
        let stream = try Compression.decoded(raw, expansion)
        return Input(
            name: raw.name, stream: stream, kind: file.kind ?? options.format.flatMap(SourceFormat.named).map { FileKind($0) }, isNamed: file.isNamed,
            created: isStandardInput ? nil : (try? Folder.changed(file.path)).map { Timestamp.text($0) }, expansion: expansion)
    }

    private mutating func read(_ input: Input, size: Int) throws {
        let reader: any DocumentReader
        do throws(FileError) { reader = try opened(input) } catch { return try refuse(input.name, Refusal(error)) }
        var count = 0
        while true {
            let item: ReadItem?
            do throws(FileError) { item = try reader.next() } catch {
                try refuse(input.name, Refusal(error))
                if (try? reader.recover()) == true { continue }
                return
            }
            guard let item else { return }
            count += 1
            if count % 64 == 0 {
                try StopSignal.check()
                show(within: min(input.expansion.taken, size))
            }
            try take(item, input, size)
        }
    }

    private func opened(_ input: Input) throws(FileError) -> any DocumentReader {
        var input = input
        if input.kind == nil { input.kind = FileKind(head: try input.stream.peek(512)) }
        let kind = input.kind ?? FileKind(.text)
        return try kind.format.open(input, ReadLimits(document: options.documentLimit, textField: options.textField))
    }

    private mutating func take(_ item: ReadItem, _ input: Input, _ size: Int) throws {
        switch item {
        case .document(let raw): try take(raw, input)
        case .refused(let refusal): try refuse(input.name, refusal)
        case .passedOver(let reason): report.passedOver[reason, default: 0] += 1
        case .member(let member) where member.depth > Self.depthLimit:
            try refuse(member.name, Refusal(reason: "archives within archives within archives"))
        case .member(let member): try read(member, size: size)
        }
    }

    /// Makes a document's bytes clean text: decoded, of a page its main text, line ends and characters in one form.
    private mutating func take(_ raw: RawDocument, _ input: Input) throws {
        let text: TextDecoding.Text
        do throws(TextDecoding.Reason) { text = try TextDecoding.text(raw.content, declared: raw.charset ?? Self.declared(raw)) } catch {
            let isRow = raw.kind == .row
            let offset = isRow ? raw.offset : (raw.offset ?? 0) + error.offset
            return try refuse(input.name, Refusal(reason: isRow ? "a NUL character" : error.text, line: raw.line, offset: offset))
        }
        report.encodings[text.encoding, default: 0] += 1
        if text.replaced > 0 { report.flagged["damaged characters", default: 0] += 1 }
        var draft = Draft(
            text: text.bytes, source: raw.source, kind: raw.kind, added: raw.added, created: raw.created, metadata: raw.metadata, line: raw.line)
        if text.encoding != "utf-8" { draft.metadata["encoding"] = .string(text.encoding) }
        if raw.kind == .page { takeMainText(&draft) }
        let isCode = draft.kind.isCode || draft.metadata["language"]?.string.map { name in Language.all.contains { $0.name == name } } == true
        draft.text = TextCleanup.plain(draft.text, isCode: isCode)
        try process(draft)
    }

    private static func declared(_ raw: RawDocument) -> String? {
        raw.kind == .page ? HTMLHead.charset(raw.content) : nil
    }

    /// Replaces a page by its main text; what its head says goes into the metadata.
    private mutating func takeMainText(_ draft: inout Draft) {
        let page = HTMLArticle(draft.text)
        draft.text = page.text
        draft.metadata["language"] = page.language.map { .string($0) } ?? draft.metadata["content_language"] ?? "html"
        draft.metadata["format"] = "html"
        if let title = page.title { draft.metadata["title"] = .string(title) }
        if let date = page.date { draft.metadata["date"] = .string(date) }
        if let author = page.author { draft.metadata["author"] = .string(author) }
        if let licence = page.licence { draft.metadata["licence"] = .string(licence) }
        if let robots = page.robots { draft.metadata["robots"] = .string(robots) }
        if draft.metadata["url"] == nil, let url = page.url { draft.metadata["url"] = .string(url) }
        if page.hasComments { report.flagged["comments in HTML", default: 0] += 1 }
        if page.hasHiddenText { report.flagged["hidden elements in HTML", default: 0] += 1 }
    }
}
