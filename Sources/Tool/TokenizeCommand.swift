import ArgumentParser
import QuintetCorpus
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Turn documents into token shards for training.",
        discussion: """
            Example:
              quintet tokenize corpus --tokenizer tokenizer --into shards
              quintet tokenize corpus --tokenizer tokenizer --into shards \\
                  --mix language:swift=2,forum=0.5

            A share of the documents is held out for validation; which, depends on each document's id alone. The tokenizer's files are \
            copied into the new folder, which appears whole or not at all. Rows that cannot be read are set aside in quarantine/ and counted.
            """)

    @Argument(help: "A gathered folder, or JSONL with \"text\".") var documents: String
    @Option(help: "A tokenizer.json, a folder with one, or a model folder.") var tokenizer: String
    @Option(help: ArgumentHelp("The new folder.", valueName: "dir")) var into: String
    @Option(help: "Share of the documents held out.") var validation = 0.02
    @Option(help: "Tokens per shard file.") var shardTokens = 1 << 25
    @Option(help: "Threads to encode with.") var threads = 2
    @Option(help: ArgumentHelp("How often documents are taken, by the beginning of their source or by metadata.", valueName: "source=weight,...")) var mix = ""
    @Flag(help: "Stop at the first row that cannot be read.") var strict = false
    @OptionGroup var output: ReportOptions

    func validate() throws {
        if !(validation >= 0 && validation < 1) { throw ValidationError("--validation: expected 0 or more and below 1, found \(validation)") }
        if !(1...1 << 32).contains(shardTokens) { throw ValidationError("--shard-tokens: expected 1 to 2^32, found \(shardTokens)") }
        if !(1...1024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
    }

    func run() throws {
        var options = Tokenize.Options()
        options.validationShare = validation
        options.shardTokens = shardTokens
        options.threads = threads
        options.mix = try Mix(mix)
        options.strict = strict
        options.quiet = output.hidesProgress
        StopSignal.install()
        let report = try Tokenize(options).run(documents, tokenizer: try Tokenizer.open(tokenizer), into: into)
        print(output.json ? report.json.serialized() : report.summary)
    }
}
