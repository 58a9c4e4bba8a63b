internal import QuintetFiles

/// The last stage: puts the units' files in their places, adds up the account, writes the report, and removes the work folder.
///
/// Each act can be done twice, so that a kill in between loses nothing.
struct ScrubPublish {
    let plan: ScrubPlan
    let work: WorkFolder
    let options: Scrub.Options
    let start: ContinuousClock.Instant

    func run() throws -> ScrubReport {
        for name in ["documents", "audit", "quarantine"] { try Folder.create(Folder.join(work.output, name)) }
        var stats = UnitStats()
        for unit in plan.units.indices {
            try StopSignal.check()
            for pass in plan.passes.indices { stats.add(try UnitStats(Folder.join(work.unit(pass, unit), "stats.json"))) }
        }
        // Most of this is waiting for the disk.
        try WorkQueue.run(Array(plan.units.indices), threads: max(16, options.threads), own: {}) { unit, _ in try publish(unit) }
        let report = ScrubReport(plan, stats, seconds: seconds(since: start))
        try report.checkAccount(work.output)
        try AtomicFile.write(Folder.join(work.output, "metrics.jsonl"), report.metrics)
        try AtomicFile.write(Folder.join(work.output, "report.html"), report.html())
        for name in ["documents", "audit", "quarantine", ""] { try clear(Folder.join(work.output, name)) }
        try AtomicFile.write(work.finishedPlan, plan.json)
        try AtomicFile.write(Folder.join(work.output, "report.json"), report.json)
        try discard()
        return report
    }

    /// What killed runs left under temporary names; this run has the folder to itself.
    private func clear(_ folder: String) throws {
        for name in try Folder.names(in: folder) where name.hasPrefix(".tmp-") { try Folder.remove(Folder.join(folder, name)) }
    }

    /// The work folder goes in one act: a kill while it is being emptied leaves a temporary name, not half a plan.
    private func discard() throws {
        let old = Folder.join(work.output, WorkFolder.discarded)
        try Folder.move(work.root, to: old)
        try Folder.remove(old)
    }

    private func publish(_ unit: Int) throws {
        let name = WorkFolder.number(unit) + ".jsonl"
        let passes = plan.passes.indices
        let documents = Folder.join(work.unit(passes.upperBound - 1, unit), "documents.jsonl")
        if Folder.isFile(documents) { try Folder.move(documents, to: Folder.join(work.output, "documents/" + name)) }
        try joined(passes.map { Folder.join(work.unit($0, unit), "audit.jsonl") }, Folder.join(work.output, "audit/" + name))
        let quarantine = Folder.join(work.unit(0, unit), "quarantine.jsonl")
        if Folder.isFile(quarantine) { try joined([quarantine], Folder.join(work.output, "quarantine/" + name)) }
    }

    private func joined(_ files: [String], _ target: String) throws {
        try AtomicFile.write(target) { writer in
            for file in files { try readPieces(file) { piece throws(FileError) in try writer.write(piece) } }
        }
    }
}
