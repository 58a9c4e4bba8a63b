import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTraining

struct AdaptPredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Say what a finished classifier thinks of texts.",
        discussion: """
            Example:
              quintet adapt predict ./classifier --text "Who wrote Hamlet?" --text "How far is the Moon?"
              quintet adapt predict ./classifier --data inbox.csv --text-field body --out answers.csv
              quintet adapt predict ./classifier --data test.jsonl --json

            MODEL is what quintet adapt wrote from rows with labels or tags: a model folder, or an adapter. Rows keep their fields and get predicted and \
            probability; where they have labels, the accuracy is said. OUT ends in .csv, .tsv (in which breaks within a field become blanks) or .jsonl.
            """)

    @Argument(help: "A model that scores texts or words.") var model: String
    @Option(help: "A text; may be given more than once.") var text: [String] = []
    @Option(help: ArgumentHelp("Rows: JSON lines, a JSON array, CSV or TSV.", valueName: "file")) var data: String?
    @OptionGroup var fields: FieldOptions
    @Option(help: ArgumentHelp("Write the rows with their predictions there.", valueName: "file")) var out: String?
    @Option(help: "Threads; all processors by default. The result does not depend on it.") var threads: Int?
    @Flag(help: "Print a JSON object for each row.") var json = false

    func validate() throws {
        if text.isEmpty == (data == nil) { throw ValidationError(text.isEmpty ? "give --text or --data" : "give either --text or --data, not both") }
    }

    func run() throws {
        try useThreads(threads)
        if let out {
            _ = try ScoredRows.Form(of: out)
            try AtomicFile.checkFree(out)
        }
        let run = PredictionRun(try Classifier.open(model), fields: fields.names)
        let scored = try data.map { try run.rows(of: $0) } ?? run.rows(text)
        if let out { try scored.write(out) }
        if json { for row in scored.json { print(row.serialized()) } } else if out == nil { for line in scored.lines { print(line) } }
        if let (share, count) = scored.accuracy { note("accuracy: \(share) on \(count) with labels") }
        if let (mean, count) = scored.absoluteError { note("mean absolute error: \(mean) on \(count) with numbers") }
    }
}
