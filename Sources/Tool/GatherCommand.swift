import ArgumentParser
import QuintetCorpus
import QuintetFiles

struct GatherCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gather", abstract: "Turn files and folders into clean documents.",
        discussion: """
            Example:
              quintet gather ./Sources notes.md crawl.warc.gz dump.jsonl.zst --into corpus
              zcat rows.csv.gz | quintet gather - --format csv --text-field body --into corpus

            Reads text, Markdown, source code, HTML (its main text), WARC, WET and ARC, JSON lines and arrays, CSV, TSV and tar, also compressed \
            with gzip, zstd or xz. Hidden and build folders are passed over unless named. Licence headers, near-empty files and exact \
            duplicates are removed. DIR holds documents/ (JSONL), audit/ (what was removed and why), quarantine/ (what could not be read) \
            and report.json; it appears whole or not at all. Where nothing is left it is written all the same, and the exit code is 1.
            """)

    @Argument(help: "Files, folders or patterns; - is standard input.") var sources: [String]
    @Option(help: ArgumentHelp("The new folder.", valueName: "dir")) var into: String
    @Option(help: "Keep only these languages, formats or file endings, e.g. --only swift,markdown.") var only: String?
    @Option(help: ArgumentHelp("The format where the name does not tell, as for standard input; by default the content tells.", valueName: "name")) var format: String?
    @Option(help: ArgumentHelp("The field or column that holds the text.", valueName: "name")) var textField: String?
    @Option(help: "Compress the documents: none or zstd.") var compress = "none"
    @Option(help: "Letters and digits below which a file is dropped.") var minimumLetters = 16
    @Flag(help: "Stop at the first bad file or row.") var strict = false
    @OptionGroup var output: ReportOptions

    private var chosen: Set<String> { Set((only ?? "").split(separator: ",").map { $0.lowercased() }) }

    func validate() throws {
        if let format, !Gather.formats.contains(format) {
            throw ValidationError("--format: expected one of \(Gather.formats.joined(separator: ", ")), found \(format)")
        }
        if Gather.Compression(rawValue: compress) == nil { throw ValidationError("--compress: expected none or zstd, found \(compress)") }
        if let unknown = chosen.subtracting(Gather.kinds).min() {
            throw ValidationError("--only: expected formats (\(Gather.formats.joined(separator: ", "))), languages or endings of files, found \(unknown)")
        }
        if minimumLetters < 0 { throw ValidationError("--minimum-letters: expected 0 or more, found \(minimumLetters)") }
    }

    func run() throws {
        var options = Gather.Options()
        options.only = chosen
        options.minimumLetters = minimumLetters
        options.strict = strict
        options.format = format
        options.textField = textField
        options.compression = Gather.Compression(rawValue: compress) ?? .none
        options.quiet = output.hidesProgress
        StopSignal.install()
        let report = try Gather(options).run(sources, into: into)
        print(output.json ? report.json.serialized() : report.summary)
    }
}
