import ArgumentParser
import QuintetCorpus
import QuintetFiles

struct ScrubCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scrub", abstract: "Filter, deduplicate and redact documents, with an account of all that went.",
        discussion: """
            Example:
              quintet scrub corpus --into clean
              quintet scrub why clean 7fe03a10a1c0a2b4a1cb36b2ad1ecd49
              quintet scrub restore clean 7fe03a10a1c0a2b4a1cb36b2ad1ecd49
            """,
        subcommands: [ScrubRunCommand.self, ScrubWhyCommand.self, ScrubRestoreCommand.self], defaultSubcommand: ScrubRunCommand.self)
}

struct ScrubRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Scrub a folder of documents (the default subcommand).",
        discussion: """
            Example:
              quintet scrub corpus --into clean
              quintet scrub corpus --into clean --config scrub.yaml --threads 8
              quintet scrub corpus --into clean --task 3/100      # one of 100 jobs; start the array once a stage, see Docs/Scale.md

            Steps, thresholds and their order are FineWeb's unless --config says otherwise; --print-config shows them. The new folder holds \
            documents/, audit/ (what was removed or changed, by which rule, with the measured value), quarantine/, report.json and report.html. \
            Killed or stopped, the same command goes on where it was; once finished, it says so and does nothing. audit/ holds what was redacted: keep it as private as the input.
            """)

    @Argument(help: "A gathered folder, or JSONL with \"text\".") var documents: String?
    @Option(help: ArgumentHelp("The new folder.", valueName: "dir")) var into: String?
    @Option(help: ArgumentHelp("Steps and thresholds, as YAML.", valueName: "file")) var config: String?
    @Option(help: "Threads to work with.") var threads = 2
    @Option(help: ArgumentHelp("This process's share: task I of N, from 0.", valueName: "i/n")) var task: String?
    @Flag(help: "Stop at the first row that cannot be read.") var strict = false
    @Flag(help: "Print every setting as JSON, which --config takes as well, and do nothing.") var printConfig = false
    @Flag(help: "Print the stages, one a line, and do nothing.") var stages = false
    @OptionGroup var output: ReportOptions

    func validate() throws {
        if !(1...1024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        if let task, Self.share(task) == nil { throw ValidationError("--task: expected I/N with I from 0 to N - 1, found \(task)") }
        if !printConfig, !stages, documents == nil || into == nil { throw ValidationError("expected DIR --into DIR") }
    }

    private static func share(_ text: String) -> (index: Int, count: Int)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), index >= 0, index < count else { return nil }
        return (index, count)
    }

    func run() throws {
        var options = Scrub.Options()
        if let config { options.config = try ScrubConfig(yamlFile: config) }
        options.threads = threads
        options.strict = strict
        options.quiet = output.hidesProgress
        if let task, let share = Self.share(task) { options.task = share }
        if printConfig { return print(options.config.json.serialized(pretty: true)) }
        if stages { return print(try Scrub(options).stages().joined(separator: "\n")) }
        guard let documents, let into else { return }
        StopSignal.install()
        switch try Scrub(options).run(documents, into: into) {
        case .finished(let report): print(output.json ? report.json.serialized() : report.summary)
        case .finishedBefore:
            guard output.json else { return print("All of it was done before; nothing is left to do.") }
            var report = try JSON.read(Folder.join(into, "report.json"))
            report["finished_before"] = true
            print(report.serialized())
        case .waiting(let stage, let missing):
            let row: JSON = ["waiting": .string(stage), "missing": JSON(missing)]
            print(output.json ? row.serialized() : "This task's share of \"\(stage)\" is done; \(missing) other pieces are not. Run it again when they are.")
        }
    }
}

struct ScrubWhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say what happened to a document, by which rule.",
        discussion: "Example:\n  quintet scrub why clean 7fe03a10a1c0a2b4a1cb36b2ad1ecd49")

    @Argument(help: "A scrubbed folder.") var folder: String
    @Argument(help: "The document's id.") var id: String
    @Flag(help: "Print the audit's rows as JSON lines.") var json = false

    func run() throws {
        let history = try ScrubHistory(folder)
        let rows = try history.rows(of: id)
        if json { return rows.forEach { print($0.serialized()) } }
        let kept = try history.kept(id)
        guard !rows.isEmpty || !kept.isEmpty else { throw FileError("no such document", path: folder, field: id, hint: "ids are in documents/ and audit/") }
        for row in rows { print(ScrubHistory.sentence(row)) }
        if !kept.isEmpty { print("kept" + (rows.isEmpty ? " as it came" : "") + (kept.count > 1 ? ", \(kept.count) documents" : "")) }
    }
}

struct ScrubRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Print a document as it was before scrubbing, as JSON lines.",
        discussion: "Example:\n  quintet scrub restore clean 7fe03a10a1c0a2b4a1cb36b2ad1ecd49 >> kept.jsonl")

    @Argument(help: "A scrubbed folder.") var folder: String
    @Argument(help: "The document's id.") var id: String

    func run() throws {
        for document in try ScrubHistory(folder).restored(id) { print(document.json.serialized()) }
    }
}
