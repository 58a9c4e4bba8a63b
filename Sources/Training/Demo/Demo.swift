import QuintetCorpus
import QuintetFiles
import QuintetTensors
import QuintetTokenizers
import QuintetReports

/// The whole life of a small foundation model in a couple of minutes, on text that is already on this disk.
///
///     let summary = try Demo(minutes: 2).run()
///
/// It gathers, cleans, learns a tokenizer, cuts token shards, pretrains, completes a real function, compares, and leaves
/// a run folder with a report. Nothing comes from a network.
public struct Demo: Sendable {
    /// What to learn from; nil: the Swift sources this program was built with.
    public var source: String?
    public var minutes: Double
    /// The folder everything goes into; it must be new or empty.
    public var folder: String
    public var seed = 42
    public var quiet = false

    public init(source: String? = nil, minutes: Double = 2, folder: String? = nil) {
        self.source = source
        self.minutes = minutes
        self.folder = folder ?? Self.freeFolder()
    }

    /// What a demo ended with.
    public struct Summary: Sendable {
        public var run: String
        public var report: String
        public var outcome: PretrainOutcome
        public var comparison: RunReport.Comparison?
        public var completions: [Completion]
        public var nextSteps: [String]
    }

    /// Runs every step; prints on standard error what it does.
    /// - Throws: `FileError` where there is nothing to learn from or no place to write; `TrainingError`; `StopSignal`.
    public func run() throws -> Summary {
        let began = ContinuousClock.now
        guard try Folder.isFree(folder) else {
            throw FileError("the folder is not empty", path: folder, hint: "choose another one with --into")
        }
        do { return try steps(since: began) } catch {
            // A folder in which nothing came about is not left behind.
            if try Folder.isFree(folder) { try? Folder.remove(folder) }
            throw error
        }
    }

    private func steps(since began: ContinuousClock.Instant) throws -> Summary {
        say("1  Gathering text that is on this disk, without duplicates and licence headers")
        let corpus = try gather()
        say("2  Learning a tokenizer from it")
        let recipe = DemoRecipe(minutes: minutes, textBytes: corpus.bytesOut)
        let tokenizer = try learnTokenizer(recipe)
        say("3  Cutting it into tokens, some documents held out")
        let tokens = try Tokenize(tokenizing()).run(documents, tokenizer: tokenizer, into: shards)
        detail(tokens.summary)
        say("4  Pretraining a model on it: it learns to say what comes next, without labels")
        let settings = try recipe.settings(
            tokens, prompt: prompt, secondsUsed: (ContinuousClock.now - began).seconds, seed: seed)
        let recorder = recorder(corpus, tokens)
        let pretrainer = try Pretrainer(data: shards, run: runFolder, config: settings, resume: false) { detail($0) }
        let outcome = try pretrainer.train([ProgressObserver(quiet: quiet, showsSamples: true), recorder])
        if case .interrupted(let signal) = outcome.end { throw signal }
        say("5  Completing functions it has never seen")
        let completions = try complete(pretrainer)
        say("6  Bits for each byte of text it has never seen")
        recorder.comparison = try comparison(outcome)
        recorder.samples = completions.map(\.sample)
        try recorder.writeReport()
        return Summary(
            run: runFolder, report: Folder.join(runFolder, RunReport.fileName), outcome: outcome, comparison: recorder.comparison,
            completions: completions, nextSteps: nextSteps)
    }

    /// How samples begin: something that Swift files hold often; in other people's text a document's beginning.
    private var prompt: String { source == nil ? "public struct" : "" }

    var documents: String { Folder.join(folder, "corpus") }
    var shards: String { Folder.join(folder, "tokens") }
    var runFolder: String { Folder.join(folder, "run") }

    /// `runs/demo`, or the first of `runs/demo-2`, `-3`, ... that is free.
    private static func freeFolder() -> String {
        for number in 1..<10_000 {
            let path = Folder.join("runs", number == 1 ? "demo" : "demo-\(number)")
            if (try? Folder.isFree(path)) == true { return path }
        }
        return "runs/demo"
    }

    private func gather() throws -> GatherReport {
        var options = Gather.Options()
        options.quiet = quiet
        var sources = source.map { [$0] } ?? []
        if sources.isEmpty {
            sources = DefaultSources.find()
            options.only = ["swift"]
        }
        guard !sources.isEmpty else {
            throw FileError("no Swift sources were found beside this program", hint: "name a folder of text: quintet demo FOLDER")
        }
        let report = try Gather(options).run(sources, into: documents)
        detail(report.summary)
        guard report.bytesOut >= 10_000 else {
            throw FileError(
                "too little text to learn from", path: sources.joined(separator: " "), expected: "10 kB or more",
                found: "\(report.bytesOut) bytes", hint: "name a folder with more text")
        }
        return report
    }

    private func learnTokenizer(_ recipe: DemoRecipe) throws -> Tokenizer {
        var trainer = BPETrainer(vocabularySize: recipe.vocabulary)
        try DocumentFiles([documents]).forEachDocument { text, _ in trainer.add(bytes: text) }
        let tokenizer = try trainer.train(threads: Threads.count)
        try tokenizer.save(to: Folder.join(folder, "tokenizer"))
        detail("\(Number.grouped(tokenizer.vocabularySize)) tokens")
        return tokenizer
    }

    private func tokenizing() -> Tokenize.Options {
        var options = Tokenize.Options()
        options.validationShare = 0.03
        options.threads = Threads.count
        options.quiet = quiet
        return options
    }

    private func recorder(_ corpus: GatherReport, _ tokens: TokenizeReport) -> RunRecorder {
        let recorder = RunRecorder(title: "A code model from this disk")
        if source != nil { recorder.title = "A model of the text in \(source ?? "")" }
        recorder.sections = [
            RunReport.Section(
                "Text",
                [
                    ("Files read", Number.grouped(corpus.files)), ("Documents kept", Number.grouped(corpus.documentsOut)),
                    ("Documents dropped", Number.grouped(corpus.documentsDropped)), ("Bytes", Number.grouped(corpus.bytesOut)),
                    ("Bytes for each token", Number.short(tokens.bytesPerToken, digits: 2)),
                ])
        ]
        recorder.nextSteps = nextSteps
        return recorder
    }

    var nextSteps: [String] {
        [
            "quintet generate \(runFolder) --prompt '\(source == nil ? "public struct" : "The")' --temperature 0.6   # let it write",
            "quintet pretrain --data \(shards) --into \(folder)/longer --preset micro   # a bigger one, an hour",
            "quintet demo ~/notes --minutes 10                             # your own text",
        ]
    }

    func say(_ text: String) { ProgressLine(quiet: quiet).say("\n" + text) }
    func detail(_ text: String) { ProgressLine(quiet: quiet).say(text.split(separator: "\n").map { "   \($0)" }.joined(separator: "\n")) }
}
