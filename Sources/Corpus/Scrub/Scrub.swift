internal import QuintetFiles

/// Documents in, clean documents out, and an account of every one that went and every byte that changed.
///
/// The same input and settings give the same bytes in `documents/` and `audit/` for any number of threads, tasks and restarts.
/// Work that is killed is taken up where it was.
///
/// ```swift
/// let outcome = try Scrub().run("corpus", into: "clean")
/// if case .finished(let report) = outcome { print(report.summary) }
/// ```
public struct Scrub: Sendable {
    public struct Options: Sendable {
        public var config = ScrubConfig()
        public var threads = 1
        /// This process's share of the work, as task `index` of `count`; the whole of it by default.
        public var task = (index: 0, count: 1)
        /// Stop at the first row that cannot be read.
        public var strict = false
        /// No progress line.
        public var quiet = false
        public init() {}
    }

    public enum Outcome: Sendable {
        case finished(ScrubReport)
        /// What this task could do is done; others have to finish this stage before the next begins.
        case waiting(stage: String, missing: Int)
        /// The whole was done before, with the same input and settings.
        case finishedBefore
    }

    private let options: Options

    public init(_ options: Options = Options()) { self.options = options }

    public func run(_ source: String, into path: String) throws -> Outcome {
        try OutputPlace.check(path, apartFrom: [source])
        let work = WorkFolder(output: path)
        let plan = try ScrubPlan(source, options.config)
        let isAlone = options.task.count == 1
        if work.isFinished {
            try work.checkFinished(plan, changes: isAlone)
            return .finishedBefore
        }
        do {
            try work.open(plan)
            let lock = isAlone ? try FolderLock(work.root) : nil
            defer { withExtendedLifetime(lock) {} }
            if isAlone { try work.removeLeftovers(plan) }
            let outcome = try ScrubRun(plan: plan, work: work, options: options).run()
            guard case .waiting = outcome, work.isFinished else { return outcome }
        } catch {
            guard !isAlone, work.isFinished else { throw error }
        }
        // Another task wrote the report meanwhile, and took the work folder away; what was made there anew since is nothing.
        try Folder.remove(work.root)
        return .finishedBefore
    }

    /// The stages that a plan for this source has, for people who start each as a job of its own.
    public func stages() throws -> [String] {
        var names = ["pass 0"]
        var pass = 0
        for step in options.config.steps {
            guard let type = ScrubSteps.named(step) as? any CorpusStep.Type else { continue }
            pass += 1
            names += ["compare \(type.name)", "combine \(type.name)", "pass \(pass)"]
        }
        return names + ["report"]
    }
}
