import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer", abstract: "Train a tokenizer, encode and decode text with one, look into one.",
        discussion: """
            Example:
              quintet tokenizer train corpus --vocab-size 8192 --into tokenizer
              quintet tokenizer encode --tokenizer tokenizer "Hello, world"
            """,
        subcommands: [
            TokenizerTrainCommand.self, TokenizerEncodeCommand.self, TokenizerDecodeCommand.self, TokenizerInspectCommand.self,
            TokenizerBenchCommand.self,
        ])
}

struct TokenizerInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a tokenizer is made of.",
        discussion: """
            Example:
              quintet tokenizer inspect ./gpt2 --json
            """)

    @Argument(help: "A tokenizer's file, or a folder that holds one.") var tokenizer: String
    @OptionGroup var pattern: PatternOption
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        let summary = try Tokenizer.open(tokenizer, pattern: pattern.value).summary
        if json { return print(summary.serialized()) }
        for (key, value) in summary.object ?? [:] {
            print(key.padding(to: 18) + (value.string ?? value.serialized()))
        }
    }
}

extension String {
    /// The text with spaces after it, at least one, so that columns stand below each other.
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
