internal import QuintetFiles

extension GatherWork {
    /// Archives within archives, at most.
    private static let depthLimit = 4

    /// Reads one file. Only failures to write (or `strict`) are thrown; what cannot be read goes to quarantine.
    mutating func read(_ file: SourceFile) throws {
        let input: Input
        do throws(FileError) { input = try open(file) } catch {
            report.bytesIn += file.size
            return try refuse(file.path.display, Refusal(error))
        }
        try read(input, size: file.size)
        report.bytesIn += input.stream.offset
    }

    private func open(_ file: SourceFile) throws(FileError) -> Input {
        let isStandardInput = file.path == SourceFile.standardInput
        let raw = ByteStream(isStandardInput ? FileReader.standardInput() : try FileReader(file.path), name: isStandardInput ? "stdin" : file.path.display)
        let expansion = Expansion(of: raw)
        let stream = try Compression.decoded(raw, expansion)
        return Input(
            name: raw.name, stream: stream, kind: file.kind ?? options.format.flatMap(SourceFormat.named).map { FileKind($0) }, isNamed: file.isNamed,
            created: file.changed.map { Timestamp.text($0) }, expansion: expansion)
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

    private mutating func take(_ raw: RawDocument, _ input: Input) throws {
        let clean: CleanDraft
        do throws(TextDecoding.Reason) { clean = try CleanDraft(raw) } catch {
            let isRow = raw.kind == .row
            let offset = isRow ? raw.offset : (raw.offset ?? 0) + error.offset
            return try refuse(input.name, Refusal(reason: isRow ? "a NUL character" : error.text, line: raw.line, offset: offset))
        }
        report.encodings[clean.encoding, default: 0] += 1
        for flag in clean.flags { report.flagged[flag, default: 0] += 1 }
        try process(clean.draft)
    }
}
