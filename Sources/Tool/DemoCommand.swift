import ArgumentParser
import QuintetFiles
import QuintetTraining

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Watch a foundation model being made from text that is on this disk.",
        discussion: """
            Example:
              quintet demo
              quintet demo ~/notes --minutes 10

            Gathers text (without a folder: the Swift sources that this program was built with), removes duplicates and \
            licence headers, learns a tokenizer, pretrains a model for about two minutes, and shows what it has learned. \
            Nothing is fetched from a network. Everything lands in one new folder.
            """)

    @Argument(help: "A folder of text to learn from.") var folder: String?
    @Option(help: "About how long it may take.") var minutes = 2.0
    @Option(help: ArgumentHelp("Where it goes (default: runs/demo, runs/demo-2, ...).", valueName: "dir")) var into: String?
    @Option(help: "The same seed and number of steps give the same model.") var seed = 42
    @Option(help: "Threads; all processors by default.") var threads: Int?
    @Flag(help: "Say nothing while it works.") var quiet = false
    @Flag(help: "Print one JSON object at the end.") var json = false

    func validate() throws {
        guard minutes.isFinite, minutes > 0, minutes <= 100_000 else {
            throw ValidationError("--minutes: expected a number above 0, found \(minutes)")
        }
        guard seed >= 0 else { throw ValidationError("--seed: expected 0 or more, found \(seed)") }
    }

    func run() throws {
        StopSignal.install()
        try useThreads(threads)
        var demo = Demo(source: folder, minutes: minutes, folder: into)
        demo.seed = seed
        demo.quiet = quiet
        let summary = try demo.run()
        if json { return print(report(summary).serialized()) }
        print("\nThe model: \(summary.run)\nIts report: \(summary.report)   (open it in a browser)\n\nWhat next:")
        for step in summary.nextSteps { print("  \(step)") }
    }

    private func report(_ summary: Demo.Summary) -> JSON {
        var out = summary.outcome.json(run: summary.run)
        out["report"] = .string(summary.report)
        for bar in summary.comparison?.bars ?? [] { out["bits_per_byte \(bar.name)"] = .number(bar.value) }
        out["completions"] = .array(
            summary.completions.map {
                ["source": .string($0.source), "prompt": .string($0.prompt), "written": .string($0.written), "truth": .string($0.truth)]
            })
        return out
    }
}
