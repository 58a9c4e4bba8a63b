internal import QuintetFiles
internal import QuintetTokenizers

/// Takes the stages one after the other, each as far as this task's share goes, and stops where others have to finish first.
struct ScrubRun {
    let plan: ScrubPlan
    let work: WorkFolder
    let options: Scrub.Options
    private let start = ContinuousClock.now
    private let bar: ProgressBar
    private let done = Counter()
    private let working: Permits

    init(plan: ScrubPlan, work: WorkFolder, options: Scrub.Options) {
        (self.plan, self.work, self.options) = (plan, work, options)
        working = Permits(options.threads)
        bar = ProgressBar(label: "scrub", total: plan.units.reduce(0) { $0 + $1.size } * plan.passes.count, unit: "bytes", quiet: options.quiet)
    }

    func run() throws -> Scrub.Outcome {
        for pass in plan.passes.indices {
            if let missing = try runUnits(pass) { return .waiting(stage: "pass \(pass)", missing: missing) }
            guard let step = plan.passes[pass].closing else { continue }
            let name = type(of: step).name
            if Folder.isFolder(work.verdicts(pass)) { continue }
            let census = try census(pass)
            let parts = step.parts(bytes: try census.bytes(), documents: census.documents, unitBytes: plan.config.unitBytes)
            if let missing = try runParts(pass, step, parts, census) { return .waiting(stage: "compare \(name)", missing: missing) }
            guard isMine(0) else { return .waiting(stage: "combine \(name)", missing: 1) }
            try combine(pass, step, parts, census)
        }
        bar.finish()
        guard isMine(0) else { return .waiting(stage: "report", missing: 1) }
        return .finished(try ScrubPublish(plan: plan, work: work, options: options, start: start).run())
    }

    private func isMine(_ item: Int) -> Bool { item % options.task.count == options.task.index }

    /// Runs this task's units; the number that is still missing elsewhere, or nil.
    private func runUnits(_ pass: Int) throws -> Int? {
        try work.checkOpen()
        let todo = plan.units.indices.filter { !Folder.isFolder(work.unit(pass, $0)) }
        for unit in plan.units.indices where !todo.contains(unit) { advance(plan.units[unit].size) }
        let mine = todo.filter(isMine)
        try parallel(mine) { unit, page in
            let folder = try UnitWork(plan: plan, work: work, pass: pass, unit: unit, strict: options.strict).run(page)
            return {
                try folder.commit()
                // Nobody reads it again; else the disk would hold the collection once for every pass.
                if pass > 0 { try Folder.remove(Folder.join(work.unit(pass - 1, unit), "documents.frames")) }
                advance(plan.units[unit].size)
            }
        }
        let missing = todo.count { !isMine($0) && !Folder.isFolder(work.unit(pass, $0)) }
        return missing > 0 ? missing : nil
    }

    private func advance(_ bytes: Int) {
        bar.update(done.add(bytes))
    }

    private func census(_ pass: Int) throws -> Census {
        try Census(try plan.units.indices.map { unit in
            let folder = work.unit(pass, unit)
            let kept = try JSON.read(Folder.join(folder, "stats.json"))["counts"]?["kept"]?.int ?? 0
            return Census.Unit(records: Folder.join(folder, "records.bin"), documents: kept)
        })
    }

    private func runParts(_ pass: Int, _ step: any CorpusStep, _ parts: Int, _ census: Census) throws -> Int? {
        let todo = (0..<parts).filter { !Folder.isFile(work.part(pass, $0)) }
        if !todo.isEmpty { try Folder.create(Folder.parent(of: work.part(pass, 0))) }
        try parallel(todo.filter(isMine)) { part, _ in
            let found = try step.compare(part: part, of: parts, census)
            return { try AtomicFile.write(work.part(pass, part), found) }
        }
        let missing = todo.count { !isMine($0) && !Folder.isFile(work.part(pass, $0)) }
        return missing > 0 ? missing : nil
    }

    private func combine(_ pass: Int, _ step: any CorpusStep, _ parts: Int, _ census: Census) throws {
        let folder = try AtomicDirectory(final: work.verdicts(pass))
        try step.combine((0..<parts).map { work.part(pass, $0) }, census) { unit, verdicts in
            try StopSignal.check()
            let verdicts = step.namesKeepers ? try withKeepers(verdicts, pass) : verdicts
            try folder.file(WorkFolder.number(unit) + ".bin") { try $0.write(Verdicts.write(verdicts)) }
        }
        try folder.commit()
    }

    /// Adds the id of the document that stays to each verdict on one that goes.
    private func withKeepers(_ verdicts: [CorpusVerdict], _ pass: Int) throws -> [CorpusVerdict] {
        var named = verdicts
        var open: (unit: Int, ids: DocumentIDs)?
        for i in verdicts.indices.sorted(by: { Keepers.place(verdicts[$0].payload) < Keepers.place(verdicts[$1].payload) }) {
            let kept = Keepers.place(verdicts[i].payload)
            let reader = try (open?.unit == kept.unit ? open?.ids : nil) ?? DocumentIDs(Folder.join(work.unit(pass, kept.unit), "ids.bin"))
            open = (kept.unit, reader)
            named[i].payload += try reader[kept.index]
        }
        return named
    }

    /// Threads that wait for the disk while as many as were asked for work.
    private static let waiting = 2

    /// Runs the items on this process's threads, each thread with a page of its own; the first error ends it. What `body` returns brings
    /// its work to disk, while other items are worked on.
    private func parallel(_ items: [Int], _ body: @escaping @Sendable (Int, Page) throws -> @Sendable () throws -> Void) throws {
        let bookBytes = plan.config.bookBytes ?? .max
        try WorkQueue.run(items, threads: options.threads + Self.waiting, own: { Page(bookBytes: bookBytes) }) { [working] item, page in
            try working.hold { try body(item, page) }()
        }
    }
}

/// Items for several threads, and the first error of any.
final class WorkQueue: Sendable {
    private struct State: Sendable {
        var next = 0
        var error: (any Error)?
    }
    private let items: [Int]
    private let state = Guarded(State())

    private init(_ items: [Int]) { self.items = items }

    /// Runs the items on threads, each with something of its own; the first error ends it.
    static func run<Own>(_ items: [Int], threads: Int, own: @escaping @Sendable () -> Own, _ body: @escaping @Sendable (Int, Own) throws -> Void) throws {
        let queue = WorkQueue(items)
        runOnThreads(max(1, min(threads, items.count))) { _ in
            let own = own()
            while let item = queue.next() {
                do {
                    try StopSignal.check()
                    try body(item, own)
                } catch { queue.fail(error) }
            }
        }
        try queue.check()
    }

    private func next() -> Int? {
        state.withLock { state in
            guard state.error == nil, state.next < items.count else { return nil }
            state.next += 1
            return items[state.next - 1]
        }
    }

    private func fail(_ error: any Error) { state.withLock { if $0.error == nil { $0.error = error } } }

    private func check() throws {
        if let error = state.withLock({ $0.error }) { throw error }
    }
}

/// A sum that several threads add to.
private final class Counter: Sendable {
    private let total = Guarded(0)
    func add(_ amount: Int) -> Int {
        total.withLock { total in
            total += amount
            return total
        }
    }
}
