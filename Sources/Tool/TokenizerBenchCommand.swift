import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

struct TokenizerBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast a tokenizer encodes and decodes a text file.",
        discussion: """
            Example:
              quintet tokenizer bench --tokenizer ./gpt2 book.txt --threads 2 --json

            Each run starts with empty caches; medians are given.
            """)

    @Option(help: "A tokenizer's file, or a folder that holds one.") var tokenizer: String
    @OptionGroup var pattern: PatternOption
    @Option(help: "Threads to encode with.") var threads = 1
    @Option(help: "Number of runs.") var runs = 5
    @Flag(help: "Print one JSON object.") var json = false
    @Argument(help: "A text file.") var file: String

    func validate() throws {
        guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
        guard (1...1000).contains(runs) else { throw ValidationError("--runs: expected 1 to 1000, found \(runs)") }
    }

    func run() throws {
        let text = try readFile(file)
        var load: [Double] = []
        var encode: [Double] = []
        var decode: [Double] = []
        var ids: [Int32] = []
        for _ in 0..<runs {
            var fresh: Tokenizer?
            load.append(try seconds { fresh = try Tokenizer.open(tokenizer, pattern: pattern.value) })
            guard let fresh else { continue }
            ids.removeAll(keepingCapacity: true)
            encode.append(seconds { text.withUnsafeBytes { fresh.encode(bytes: $0, into: &ids, threads: threads) } })
            decode.append(seconds { _ = fresh.decodeBytes(ids) })
        }
        let megabytes = Double(text.count) / 1e6
        let result: JSON = [
            "bytes": JSON(text.count), "tokens": JSON(ids.count), "threads": JSON(threads),
            "encode_megabytes_per_second": .number(megabytes / median(encode)),
            "decode_megabytes_per_second": .number(megabytes / median(decode)), "load_seconds": .number(median(load)),
        ]
        if json { return print(result.serialized()) }
        for (key, value) in result.object ?? [:] { print("\(key): \(value.serialized())") }
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
