import ArgumentParser
import QuintetFiles
import QuintetTokenizers

struct TokenizerTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Learn a byte-level BPE tokenizer from documents.",
        discussion: """
            Example:
              quintet tokenizer train corpus --vocab-size 8192 --into tokenizer

            A folder stands for its documents/*.jsonl ({"text": ...} rows), or for all files in it. Writes tokenizer.json and \
            tokenizer_config.json, which `transformers` opens. The result does not depend on the number of threads.
            """)

    @Argument(help: "Folders, .jsonl files or text files.") var sources: [String]
    @Option(help: "Number of tokens, the special ones and the 256 bytes included.") var vocabSize: Int
    @Option(help: ArgumentHelp("Folder for the tokenizer.", valueName: "dir")) var into: String
    @Option(help: "How text is cut into words: gpt2, cl100k, llama3 or qwen2.") var pattern = "gpt2"
    @Option(help: "A special token; may be given more than once.") var special: [String] = ["<|endoftext|>"]
    @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 0
    @Option(help: "Threads that count words.") var threads = 2
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        _ = try choice("pattern", pattern) as PreTokenizationPattern
        guard vocabSize >= 257 else { throw ValidationError("--vocab-size: expected at least 257, found \(vocabSize)") }
        guard minFrequency >= 0 else { throw ValidationError("--min-frequency: expected 0 or more, found \(minFrequency)") }
        if let twice = special.indices.first(where: { special[..<$0].contains(special[$0]) }) {
            throw ValidationError("--special: \(special[twice]) is given twice")
        }
        guard (1...1024).contains(threads) else { throw ValidationError("--threads: expected 1 to 1024, found \(threads)") }
    }

    func run() throws {
        let clock = ContinuousClock.now
        for name in ["tokenizer.json", "tokenizer_config.json"] where Folder.exists(Folder.join(into, name)) {
            throw FileError("there is a tokenizer already", path: Folder.join(into, name), hint: "choose another folder for --into")
        }
        var trainer = BPETrainer(
            vocabularySize: vocabSize, specialTokens: special, pattern: PreTokenizationPattern(rawValue: pattern) ?? .gpt2)
        trainer.minimumCount = minFrequency
        trainer.threads = threads
        let (documents, bytes) = try read(into: &trainer)
        let bar = ProgressBar(label: "learn", total: vocabSize, unit: "tokens")
        let tokenizer = try trainer.train(threads: threads) { done, _ in bar.update(done) }
        bar.finish()
        try tokenizer.save(to: into)
        report(tokenizer, documents: documents, bytes: bytes, seconds: (ContinuousClock.now - clock) / .seconds(1))
    }

    private func read(into trainer: inout BPETrainer) throws -> (documents: Int, bytes: Int) {
        let files = try DocumentFiles(sources)
        let bar = ProgressBar(label: "read", total: try files.size(), unit: "bytes")
        var documents = 0
        var bytes = 0
        try files.forEachDocument { text, done in
            trainer.add(bytes: text)
            documents += 1
            bytes += text.count
            bar.update(done)
        }
        bar.finish()
        return (documents, bytes)
    }

    private func report(_ tokenizer: Tokenizer, documents: Int, bytes: Int, seconds: Double) {
        if tokenizer.vocabularySize < vocabSize {
            warn("\(tokenizer.vocabularySize) tokens instead of \(vocabSize): no pair of tokens is left in these documents that occurs \(minFrequency > 1 ? "\(minFrequency) times" : "at all")")
        }
        let result: JSON = [
            "vocabulary_size": JSON(tokenizer.vocabularySize), "documents": JSON(documents), "bytes": JSON(bytes),
            "seconds": .number(seconds), "fingerprint": .string(tokenizer.fingerprint), "path": .string(into),
        ]
        if json { return print(result.serialized()) }
        let time = Double(Int(seconds * 100)) / 100
        print("\(into): \(tokenizer.vocabularySize) tokens from \(documents) documents (\(bytes) bytes) in \(time) s")
    }
}
