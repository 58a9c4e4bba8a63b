import QuintetCorpus
import QuintetFiles
import QuintetTokenizers
import Testing

/// Texts that look like code, one per number, all different.
func snippet(_ i: Int) -> String {
    "func compute\(i)(_ value: Int) -> Int {\n    let factor = \(i * 37)\n    return value * factor // naïve — ✓\n}\n"
}

func trainTokenizer(_ texts: [String], size: Int = 400) throws -> Tokenizer {
    var trainer = BPETrainer(vocabularySize: size)
    for text in texts { trainer.add(text) }
    return try trainer.train()
}

func tokenize(
    _ source: String, _ tokenizer: Tokenizer, _ output: String, share: Double = 0.1, threads: Int = 1, shardTokens: Int = 1 << 20,
    _ change: (inout Tokenize.Options) throws -> Void = { _ in }
) throws -> TokenizeReport {
    var options = Tokenize.Options()
    options.validationShare = share
    options.threads = threads
    options.shardTokens = shardTokens
    options.quiet = true
    try change(&options)
    return try Tokenize(options).run(source, tokenizer: tokenizer, into: output)
}

/// Real data beside the package.
func shared(_ name: String) -> String {
    Folder.parent(of: Folder.parent(of: Folder.parent(of: Folder.parent(of: #filePath)))) + "/shared/data/" + name
}

/// A gathered folder of `count` snippets.
func corpus(_ folder: String, _ count: Int) throws -> [String] {
    let texts = (0..<count).map(snippet)
    try write(Dictionary(uniqueKeysWithValues: texts.enumerated().map { ("f\($0).swift", $1) }), folder + "/in")
    _ = try gather([folder + "/in"], folder + "/corpus")
    return texts
}

@Suite struct TokenizeTests {
    @Test func documentsComeBackFromTheShards() throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer(corpus(folder, 80))
            let report = try tokenize(folder + "/corpus", tokenizer, folder + "/shards", shardTokens: 300)
            let data = try TokenDataset(folder + "/shards", tokenizer: tokenizer.fingerprint)
            #expect(report.documents == 80 && report.train.tokens == data.trainTokens)
            #expect(data.validationTokens > 0)
            let hold = HoldOut(share: 0.1)
            var numbers: [Split: Int] = [.train: 0, .validation: 0]
            try Document.forEach(in: folder + "/corpus") { document in
                let split = hold.split(of: document.id)
                let ids = data.document(split, numbers[split, default: 0])
                numbers[split, default: 0] += 1
                #expect(ids.last == tokenizer.eosID)
                #expect(tokenizer.decode(ids) == document.text)
                #expect(data.textBytes(of: ids) == document.text.utf8.count)
            }
            #expect(data.textBytes(.train) + data.textBytes(.validation) == report.textBytes)
            // The tokenizer beside the shards is the one that made them.
            #expect(try Tokenizer.load(folder + "/shards").fingerprint == tokenizer.fingerprint)
        }
    }

    @Test func sameBytesForAnyThreadsAndRuns() throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer(corpus(folder, 50))
            for threads in [1, 2, 5] {
                _ = try tokenize(folder + "/corpus", tokenizer, folder + "/s\(threads)", threads: threads, shardTokens: 200)
            }
            // report.json tells the seconds; all else is the same, the manifest included.
            let files = try Folder.files(under: folder + "/s1").filter { !$0.hasSuffix("/report.json") }
            #expect(files.contains(folder + "/s1/manifest.json") && files.contains(folder + "/s1/data.json"))
            try AtomicDirectory.verify(folder + "/s1")
            for file in files {
                for other in ["/s2/", "/s5/"] {
                    let twin = folder + other + file.dropFirst(folder.count + 4)
                    #expect(try readFile(file) == readFile(twin))
                }
            }
        }
    }

    @Test func textLikeASpecialTokenStaysText() throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer([snippet(1)])
            try write(["a.jsonl": "{\"text\":\"before <|endoftext|> after\"}\n{\"text\":\"other\"}\n"], folder)
            _ = try tokenize(folder + "/a.jsonl", tokenizer, folder + "/shards")
            let data = try TokenDataset(folder + "/shards")
            let all = [Split.train, .validation].flatMap { split in (0..<data.documents(split)).flatMap { data.document(split, $0) } }
            #expect(all.filter { $0 == tokenizer.eosID }.count == 2)
        }
    }

    @Test(arguments: [1, 2, 3, 10]) func fewDocumentsStillGiveBothSides(count: Int) throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer(corpus(folder, count))
            for share in [0.001, 0.999] {
                let path = folder + "/shards\(share)"
                _ = try tokenize(folder + "/corpus", tokenizer, path, share: share)
                let data = try TokenDataset(path)
                #expect(data.trainTokens > 0 && data.validationTokens > 0)
                #expect(data.holdOut.method == (count == 1 ? .tail : .documents))
                let baselines = try Baselines.measure(documents: folder + "/corpus", holdOut: data.holdOut)
                #expect(baselines.bytes == data.textBytes(.validation))
            }
            _ = try tokenize(folder + "/corpus", tokenizer, folder + "/none", share: 0)
            #expect(try TokenDataset(folder + "/none").validationTokens == 0)
        }
    }

    @Test func refusesWhatCannotWork() throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer(corpus(folder, 5))
            try write(["bad.jsonl": "{\"text\":\"a\n{\"text\":2}\n", "empty.jsonl": "", "none/x.txt": "x"], folder)
            for source in ["/missing", "/bad.jsonl", "/empty.jsonl", "/none"] {
                #expect(throws: FileError.self) { try tokenize(folder + source, tokenizer, folder + "/out") }
            }
            #expect(throws: FileError.self) { try tokenize(folder + "/corpus", tokenizer, folder + "/corpus") }
            #expect(throws: FileError.self) { try tokenize(folder + "/corpus", tokenizer, folder + "/corpus/shards") }
            #expect(throws: FileError.self) { try tokenize(folder + "/corpus", tokenizer, folder + "/none") }
            #expect { try tokenize(folder + "/corpus", tokenizer, folder + "/out") { $0.mix = try Mix("nope=2,language:swift=1") } } throws: { error in
                (error as? FileError)?.found == "nope" && (error as? FileError)?.hint?.contains("language:swift") == true
            }
            #expect(throws: FileError.self) { try tokenize(folder + "/corpus", tokenizer, folder + "/out", share: 1) }
            #expect(throws: FileError.self) { try tokenize(folder + "/corpus", tokenizer, folder + "/out", share: .nan) }
            #expect(!Folder.exists(folder + "/out"))
            #expect(try Folder.names(in: folder).allSatisfy { !$0.hasPrefix(".tmp") })
        }
    }

    @Test func badRowsAreSetAside() throws {
        try withFolder { folder in
            let tokenizer = try trainTokenizer((0..<5).map(snippet))
            let good = (0..<20).map { "{\"text\":\"row number \($0)\"}" }
            try write(["a.jsonl": (good[..<10] + ["{", "", "[1]", "{\"txt\":1}"] + good[10...]).joined(separator: "\n") + "\n"], folder)
            // Also where the whole is read more than once, for validation or for weights.
            for (share, mix) in [(0.1, ""), (1e-9, "\(folder)/a=3")] {
                let report = try tokenize(folder + "/a.jsonl", tokenizer, folder + "/s\(share)", share: share) { $0.mix = try Mix(mix) }
                #expect(report.quarantined.values.reduce(0, +) == 4 && report.quarantined["blank line"] == 1)
                let aside = try rows(folder + "/s\(share)/quarantine/00000.jsonl")
                #expect(aside.map { $0["line"]?.int } == [11, 12, 13, 14])
            }
            #expect(throws: FileError.self) { try tokenize(folder + "/a.jsonl", tokenizer, folder + "/strict") { $0.strict = true } }
            let data = try TokenDataset(folder + "/s0.1")
            let baselines = try Baselines.measure(documents: folder + "/a.jsonl", holdOut: data.holdOut)
            #expect(baselines.bytes == data.textBytes(.validation))
        }
    }

    @Test func baselinesAreWhatTheyShouldBe() throws {
        try withFolder { folder in
            // Two symbols, equally often: one bit a byte for the unigram, far less for gzip.
            let text = String(repeating: "ab", count: 20_000)
            try write(["a.jsonl": (0..<40).map { "{\"text\":\"\(text)\($0 % 2 == 0 ? "a" : "b")\",\"id\":\"\($0)\"}\n" }.joined()], folder)
            let found = try Baselines.measure(documents: folder + "/a.jsonl", holdOut: HoldOut(share: 0.2))
            #expect(abs(found.unigramBitsPerByte - 1) < 0.01)
            #expect(found.gzipBitsPerByte < 0.05)
            #expect(found.documents > 0)
            #expect(try Baselines.gzipSize([]) == 20)
        }
    }

    /// A tokenizer with BOS, byte fallback and stripped spaces: lengths still add up, BOS and end of text frame each document.
    @Test func llamaTokenizer() throws {
        let path = shared("weights/stories260K-hf")
        guard Folder.isFolder(path) else { return print("skipped: \(path) is not here") }
        try withFolder { folder in
            _ = try corpus(folder, 20)
            let tokenizer = try Tokenizer.load(path)
            _ = try tokenize(folder + "/corpus", tokenizer, folder + "/shards")
            let data = try TokenDataset(folder + "/shards", tokenizer: tokenizer.fingerprint)
            #expect(try Tokenizer.load(folder + "/shards").fingerprint == tokenizer.fingerprint)
            for d in 0..<data.documents(.train) {
                let ids = data.document(.train, d)
                #expect(ids.first == tokenizer.bosID && ids.last == tokenizer.eosID)
                #expect(data.textBytes(of: ids) == tokenizer.decode(ids).utf8.count + 1)  // the space before the first word
            }
        }
    }

    @Test func realBooks() throws {
        let path = shared("text/tinyshakespeare")
        guard Folder.isFolder(path) else { return print("skipped: \(path) is not here") }
        try withFolder { folder in
            let report = try gather([path], folder + "/corpus")
            #expect(report.documentsOut > 0)
        }
    }
}
