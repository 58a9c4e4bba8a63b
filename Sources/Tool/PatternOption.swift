import ArgumentParser
import QuintetTokenizers

/// `--pattern`, for rank files, which do not say how words are cut.
struct PatternOption: ParsableArguments {
    @Option(name: .customLong("pattern"), help: "How a bare rank file cuts words: gpt2, cl100k, llama3, qwen2, o200k or tekken.")
    var name: String?

    func validate() throws {
        _ = try name.map { try choice("pattern", $0) as PreTokenizationPattern }
    }

    var value: PreTokenizationPattern? { name.flatMap { PreTokenizationPattern(rawValue: $0) } }
}
