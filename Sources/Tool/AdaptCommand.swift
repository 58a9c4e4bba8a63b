import ArgumentParser
import QuintetFiles
import QuintetTraining

struct AdaptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapt", abstract: "Adapt a model to your data, and prove that what was trained is what will be served.",
        discussion: """
            Example:
              quintet adapt ./llama --data chats.jsonl --into tuned --method full --steps 200
              quintet adapt inspect ./llama --data chats.jsonl
              quintet adapt predict ./classifier --text "What a film!"
            """,
        subcommands: [AdaptRunCommand.self, AdaptInspectCommand.self, AdaptPredictCommand.self], defaultSubcommand: AdaptRunCommand.self)
}

struct AdaptRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Adapt a model (the default subcommand).",
        discussion: """
            Example:
              quintet adapt ./llama --data chats.jsonl --into tuned --method full
              quintet adapt ./llama --data pairs.jsonl --into preferred --method full --objective dpo
              quintet adapt ./llama --data labels.tsv --into classifier --method head

            FILE is JSON lines, one JSON array, CSV or TSV, or a folder with train, valid and test files. Formats: \(DataFormats.summary). \
            Objectives: \(Objectives.all.map { "\($0.name) (\($0.summary))" }.joined(separator: "; ")).
            DIR becomes a model folder when held-out prompts give the same through the trained model and the reloaded one (gate.json); the best \
            weights by held-out loss are kept. Ctrl-C saves and stops; --resume goes on with the same bits.
            """)

    @OptionGroup var what: AdaptWhat
    @OptionGroup var how: AdaptHow
    @Option(help: ArgumentHelp("The new folder, or with --resume the one to continue.", valueName: "dir")) var into: String
    @Option(help: ArgumentHelp("A further result: OUT.gguf, or a folder.", valueName: "out")) var export: String?
    @Option(help: ArgumentHelp("Its type, as in quintet convert.", valueName: "type")) var quantize = "none"
    @Option(help: ArgumentHelp("What weights are written in: f32, f16 or bf16.", valueName: "type")) var dtype = "f32"
    @Option(help: "Held-out prompts of the equivalence gate.") var gatePrompts: Int?
    @Option(help: "The largest logit difference that passes, in place of the type's own.") var gateBound: Double?
    @Flag(help: "Publish without the gate; the model card says so.") var skipGate = false
    @Flag(help: "Continue the run in this folder.") var resume = false
    @Option(help: "Threads; all processors by default. The result does not depend on it.") var threads: Int?
    @Flag(help: "No progress line.") var quiet = false
    @Flag(help: "Print one JSON object at the end.") var json = false

    func run() throws {
        StopSignal.install()
        try useThreads(threads)
        var settings = try how.settings(what)
        settings.export = export
        settings.exportType = quantize
        settings.dtype = try choice("dtype", dtype)
        if let gatePrompts { settings.gatePrompts = gatePrompts }
        settings.gateBound = gateBound
        settings.skipsGate = skipGate
        let adaptation = try Adaptation(
            model: what.model, data: what.data, validation: what.validation, into: into, settings: settings, resume: resume) { warn($0) }
        if !quiet { for line in adaptation.input.lines + ["memory: \(adaptation.memory.line)"] { note(line) } }
        let outcome = try adaptation.run([ProgressObserver(quiet: quiet, showsSamples: true), RunRecorder()])
        try say(outcome, adaptation)
        if case .interrupted(let signal) = outcome.trained.end { throw signal }
    }

    private func say(_ outcome: AdaptOutcome, _ adaptation: Adaptation) throws {
        if json {
            var out = outcome.json(run: into)
            out["data"] = adaptation.input.json
            var memory = adaptation.memory.json
            memory["peak"] = JSON(MachineMemory.peak)
            out["memory"] = memory
            return print(out.serialized())
        }
        switch outcome.trained.end {
        case .interrupted: return
        case .alreadyFinished where outcome.gate == nil: print("\(into) is finished: step \(outcome.trained.step).")
        default:
            if let gate = outcome.gate { print("Gate: " + (gate.skipped ? gate.summary : "passed. \(gate.summary)")) }
            print("Done. The result and everything about it: \(into); the report: \(Folder.join(into, RunReport.fileName))")
        }
    }
}

struct AdaptInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show exactly which tokens would be learned.",
        discussion: """
            Example:
              quintet adapt inspect ./llama --data chats.jsonl --count 3
              quintet adapt inspect ./llama --data chats.jsonl --html learned.html

            Learned tokens are green, given ones gray (in [[ ]] where the output is no terminal). Of texts with labels those tokens are green \
            whose states are scored: the last one or all of a text, the first one of a word with a tag.
            """)

    @OptionGroup var what: AdaptWhat
    @OptionGroup var how: AdaptHow
    @Option(help: "Samples to show.") var count = 5
    @Option(help: ArgumentHelp("Write a page for a browser.", valueName: "file")) var html: String?
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        if count < 1 { throw ValidationError("--count: expected 1 or more, found \(count)") }
    }

    func run() throws {
        if let html { try AtomicFile.checkFree(html) }
        let input = try AdaptInput(model: what.model, data: what.data, validation: what.validation, settings: try how.settings(what))
        let inspection = Inspection(input, count: count)
        if let html { try AtomicFile.write(html, inspection.html()) }
        if json { return print(inspection.json.serialized()) }
        if html == nil { print(inspection.terminal(color: isTerminal(1)), terminator: "") } else { print(input.lines.joined(separator: "\n")) }
    }
}
