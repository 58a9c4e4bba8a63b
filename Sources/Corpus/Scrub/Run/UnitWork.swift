internal import QuintetFiles

/// One pass over one unit: reads its documents, takes the steps, writes what is left and the account of what is not.
///
/// The unit's folder appears whole, by the `commit` that is left to the caller: its presence says that the work is done.
struct UnitWork {
    let plan: ScrubPlan
    let work: WorkFolder
    let pass: Int
    let unit: Int
    let strict: Bool

    private var isLast: Bool { pass == plan.passes.count - 1 }

    func run(_ page: Page) throws -> AtomicDirectory {
        let folder = try AtomicDirectory(final: work.unit(pass, unit))
        var out = try UnitOutput(folder, isLast: isLast)
        if pass == 0 { try readInput(page, &out) } else { try readFrames(page, &out) }
        try out.finish(plan.passes[pass].closing)
        return folder
    }

    private func readFrames(_ page: Page, _ out: inout UnitOutput) throws {
        let reader = try FrameReader(Folder.join(work.unit(pass - 1, unit), "documents.frames"))
        var verdicts = try Verdicts(work.verdicts(pass - 1, unit))
        var index: UInt32 = 0
        while let row = try reader.next() {
            if index % 64 == 0 { try StopSignal.check() }
            page.load(row.document, text: row.text, kind: row.kind, detected: row.detected)
            try take(page, row.ordinal, verdicts.take(index), &out)
            index += 1
        }
    }

    private func readInput(_ page: Page, _ out: inout UnitOutput) throws {
        let source = plan.units[unit]
        let lines: LineReader
        do throws(FileError) { lines = try LineReader(source.path, limit: plan.config.documentLimit, range: source.range) } catch {
            return try refuse(error.what, nil, source, detail: error.found, &out)
        }
        var ordinal: UInt32 = 0
        while true {
            let line: LineReader.Line?
            do throws(FileError) { line = try lines.next() } catch { return try refuse(error.what, nil, source, detail: error.found, &out) }
            guard let line else { return }
            if line.number % 64 == 0 { try StopSignal.check() }
            if line.isTooLong {
                try refuse("line longer than \(plan.config.documentLimit) bytes", line, source, &out)
                continue
            }
            if line.isBlank {
                try refuse("blank line", line, source, &out)
                continue
            }
            let row: JSON
            do throws(FileError) { row = try line.parsed(source.path) } catch {
                try refuse(error.what, line, source, offset: error.offset, detail: error.found, &out)
                continue
            }
            guard let document = Document(row: row, source: source.path) else {
                try refuse("no \"text\"", line, source, detail: row.kind, &out)
                continue
            }
            let text = Array(document.text.utf8)
            if text.contains(0) {
                try refuse("a NUL character", line, source, &out)
                continue
            }
            page.load(document, text: text)
            out.stats.add("documents_in")
            out.stats.add("bytes_in", text.count)
            out.stats.add("length_in/\(UnitOutput.magnitude(text.count))")
            try take(page, ordinal, nil, &out)
            ordinal += 1
        }
    }

    /// Puts a row that cannot be read aside; under `strict` that ends the run.
    private func refuse(
        _ reason: String, _ line: LineReader.Line?, _ source: ScrubPlan.Unit, offset: Int? = nil, detail: String? = nil, _ out: inout UnitOutput
    ) throws {
        let number = try line.map { $0.number + (try linesBefore(source, &out)) }
        if strict {
            throw FileError(reason, path: source.path, offset: offset ?? line?.offset, found: detail, hint: "without --strict it is put aside", line: number)
        }
        out.stats.add("documents_in")
        out.stats.add("quarantined/" + reason)
        var row: JSON = ["source": .string(source.path), "reason": .string(reason)]
        if let number { row["line"] = JSON(number) }
        if let offset = offset ?? line?.offset { row["offset"] = JSON(offset) }
        if let detail { row["detail"] = .string(detail) }
        try out.quarantine(row)
    }

    /// Lines of the file that come before this unit; counted only where a row has to be named.
    private func linesBefore(_ source: ScrubPlan.Unit, _ out: inout UnitOutput) throws -> Int {
        guard let start = source.range?.lowerBound, start > 0 else { return 0 }
        if let known = out.linesBefore { return known }
        var (left, count, last) = (start, 0, UInt8(10))
        try readPieces(source.path) { piece in
            for byte in piece.prefix(max(0, left)) {
                if byte == 10 { count += 1 }
                last = byte
            }
            left -= piece.count
        }
        // A line that the unit begins in the middle of belongs to the unit before.
        if last != 10 { count += 1 }
        out.linesBefore = count
        return count
    }

    /// Sends one document through the pass.
    private func take(_ page: Page, _ ordinal: UInt32, _ verdict: [UInt8]?, _ out: inout UnitOutput) throws {
        let steps = plan.passes[pass]
        if let verdict, let opening = steps.opening, page.kind.isSubset(of: opening.kinds) {
            guard try settle(opening.apply(verdict, to: page), type(of: opening).name, page, ordinal, &out) else {
                if opening is NearDuplicates { out.stats.add("cluster/\(Keepers.size(verdict))") }
                return
            }
        }
        for step in steps.steps where page.kind.isSubset(of: step.kinds) {
            let before = ContinuousClock.now
            let judgement = step.judge(page)
            let name = type(of: step).name
            out.stats.seconds[name, default: 0] += seconds(since: before)
            guard try settle(judgement, name, page, ordinal, &out) else { return }
        }
        if let closing = steps.closing {
            let before = ContinuousClock.now
            try out.keep(page, ordinal, closing)
            out.stats.seconds[type(of: closing).name, default: 0] += seconds(since: before)
        } else {
            try out.finish(page)
        }
    }

    /// Carries out a judgement and keeps account of it; false if the document is gone.
    private func settle(_ judgement: Judgement, _ step: String, _ page: Page, _ ordinal: UInt32, _ out: inout UnitOutput) throws -> Bool {
        switch judgement {
        case .keep: return true
        case .flag(let flags):
            out.stats.add("flagged/" + step)
            let before = page.metadata["flags"]
            var all = before?.object ?? [:]
            for flag in flags {
                out.stats.add("flag/\(step)/\(flag.rule)")
                all[flag.rule] = .number((flag.value * 1e6).rounded() / 1e6)
            }
            page.metadata["flags"] = .object(all)
            try out.audit(AuditRow.flag(page, step, place(ordinal), flags, before: before))
            return true
        case .change(let edits):
            out.stats.add("changed/" + step)
            for edit in edits { out.stats.add("edit/\(step)/\(edit.rule)") }
            out.example(edits, step, page)
            try out.audit(AuditRow.change(page, step, place(ordinal), edits, plan.config.keepsRemoved))
            page.replaceText(EditList.applied(edits, to: page.text))
            return true
        case .drop(let rule, let value, let threshold, let detail):
            out.stats.add("dropped/\(step)/\(rule)")
            out.example(rule, value, detail, step, page)
            try out.audit(AuditRow.drop(page, step, place(ordinal), rule, value, threshold, detail, plan.config.keepsRemoved))
            return false
        }
    }

    private func place(_ ordinal: UInt32) -> String { WorkFolder.number(unit) + ":\(ordinal)" }
}

/// Seconds on the clock since an instant.
func seconds(since instant: ContinuousClock.Instant) -> Double {
    let parts = (ContinuousClock.now - instant).components
    return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
}
