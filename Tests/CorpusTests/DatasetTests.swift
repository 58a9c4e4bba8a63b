import QuintetCorpus
import QuintetFiles
import Testing

/// Runs `body` with a fresh folder that is removed afterwards.
func withFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

/// A dataset of `documents` documents with ids 1..<vocabulary in order, each closed by 0.
func makeDataset(_ path: String, documents: Int = 50, vocabulary: Int = 300, shardTokens: Int = 500, share: Double = 0.1) throws {
    let writer = try DatasetWriter(
        into: path, tokenizer: "tok", vocabularySize: vocabulary, endOfText: 0,
        tokenBytes: (0..<vocabulary).map { $0 == 0 ? 0 : 1 + $0 % 3 }, holdOut: HoldOut(share: share), shardTokens: shardTokens)
    for d in 0..<documents {
        let ids = (0..<(20 + d % 17)).map { Int32(1 + (d * 31 + $0 * 7) % (vocabulary - 1)) }
        try writer.append(ids + [0], id: "d\(d)", textBytes: ids.reduce(0) { $0 + 1 + Int($1) % 3 })
    }
    try writer.finish()
}

@Suite struct DatasetTests {
    @Test(arguments: [300, 70_000]) func comesBackAsWritten(vocabulary: Int) throws {
        try withFolder { folder in
            let path = folder + "/data"
            try makeDataset(path, vocabulary: vocabulary)
            let data = try TokenDataset(path, tokenizer: "tok")
            #expect(data.documents(.train) + data.documents(.validation) == 50)
            #expect(data.documents(.validation) > 0)
            var rebuilt: [Int32] = []
            for d in 0..<data.documents(.train) { rebuilt += data.document(.train, d) }
            var copied = [Int32](repeating: -1, count: data.trainTokens)
            copied.withUnsafeMutableBufferPointer { data.copy(.train, from: 0, into: $0) }
            #expect(copied == rebuilt)
            #expect(copied.last == 0)
            #expect(data.textBytes(of: copied) == data.textBytes(.train))
            #expect(data.vocabularySize == vocabulary)
            try AtomicDirectory.verify(path)
        }
    }

    @Test func sameInputSameBytes() throws {
        try withFolder { folder in
            for name in ["a", "b"] { try makeDataset(folder + "/" + name) }
            let names = try Folder.files(under: folder + "/a").map { $0.dropFirst(folder.count + 2) }
            for name in names { #expect(try readFile(folder + "/a" + name) == readFile(folder + "/b" + name)) }
            #expect(try TokenDataset(folder + "/a").fingerprint == TokenDataset(folder + "/b").fingerprint)
        }
    }

    @Test func splitDependsOnTheIdAlone() {
        let hold = HoldOut(share: 0.05)
        let held = (0..<20_000).filter { hold.split(of: "document \($0)") == .validation }.count
        #expect((800...1200).contains(held))
        #expect(HoldOut(share: 0).split(of: "x") == .train)
    }

    @Test func refusesTheWrongFolderAndTokenizer() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            #expect(throws: FileError.self) { try TokenDataset(folder + "/data", tokenizer: "other") }
            #expect(throws: FileError.self) { try TokenDataset(folder + "/missing") }
            #expect(throws: FileError.self) { try TokenDataset(folder) }
            #expect(throws: FileError.self) { try TokenDataset(folder + "/data/data.json") }
            #expect(throws: FileError.self) { try makeDataset(folder + "/data") }
        }
    }

    /// Every file of the folder cut short, and with a flipped bit, at many places: always a typed error, never wrong data.
    @Test func truncationAndDamageAreFound() throws {
        try withFolder { folder in
            let path = folder + "/data"
            try makeDataset(path, documents: 12)
            let good = try TokenDataset(path)
            for file in try Folder.files(under: path) where !file.hasSuffix("manifest.json") {
                let content = try readFile(file)
                for step in 0..<24 {
                    let at = content.count * step / 24
                    try AtomicFile.write(file, content[..<at])
                    #expect(throws: FileError.self) { try TokenDataset(path) }
                    var flipped = content
                    flipped[at] ^= 1 << (step % 8)
                    try AtomicFile.write(file, flipped)
                    // A changed character of the index may still be an index; then it is the same data.
                    if let opened = try? TokenDataset(path) { #expect(opened.fingerprint == good.fingerprint) }
                }
                try AtomicFile.write(file, content + [0])
                #expect(throws: FileError.self) { try TokenDataset(path) }
                try AtomicFile.write(file, content)
            }
            _ = try TokenDataset(path)
        }
    }
}

@Suite struct BatchSamplerTests {
    @Test func anEpochVisitsEachWindowOnce() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            let data = try TokenDataset(folder + "/data")
            for (sequence, batch) in [(1, 1), (7, 3), (16, 4), (data.trainTokens - 1, 2)] {
                var sampler = try BatchSampler(data, sequence: sequence, batch: batch, seed: 5)
                let windows = sampler.windowsPerEpoch
                #expect(windows == (data.trainTokens - 1) / sequence)
                var rows: [[Int32]] = []
                while rows.count < windows {
                    let (inputs, targets) = sampler.next()
                    for row in 0..<batch {
                        let x = inputs[(row * sequence)..<((row + 1) * sequence)]
                        let y = targets[(row * sequence)..<((row + 1) * sequence)]
                        #expect(x.dropFirst() == y.dropLast())
                        rows.append(Array(x))
                    }
                }
                if sequence == 16 { #expect(Set(rows.prefix(windows)).count == windows) }
            }
        }
    }

    @Test func seedAndEpochDecideTheOrder() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            let data = try TokenDataset(folder + "/data")
            func first(_ seed: UInt64, epoch: Int = 0) throws -> [Int32] {
                var sampler = try BatchSampler(data, sequence: 16, batch: 4, seed: seed)
                sampler.cursor = .init(epoch: epoch)
                return sampler.next().inputs
            }
            #expect(try first(1) == first(1))
            #expect(try first(1) != first(2))
            #expect(try first(1) != first(1, epoch: 1))
        }
    }

    @Test func goesOnExactlyAfterARestore() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            let data = try TokenDataset(folder + "/data")
            var sampler = try BatchSampler(data, sequence: 10, batch: 3, seed: 9)
            for stop in [0, 1, 13, 100] {
                for _ in 0..<stop { _ = sampler.next() }
                let saved = try JSON.parse(sampler.state.serialized())
                var other = try BatchSampler(data, sequence: 10, batch: 3, seed: 9)
                try other.restore(saved)
                #expect(other.cursor == sampler.cursor)
                for _ in 0..<70 { #expect(other.next() == sampler.next()) }
            }
        }
    }

    @Test func restoreListsWhatDiffers() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            let data = try TokenDataset(folder + "/data")
            let saved = try BatchSampler(data, sequence: 10, batch: 3, seed: 9).state
            var other = try BatchSampler(data, sequence: 11, batch: 3, seed: 8)
            let error = #expect(throws: FileError.self) { try other.restore(saved) }
            #expect(error?.field == "sequence, seed")
            var same = try BatchSampler(data, sequence: 10, batch: 3, seed: 9)
            for (key, value) in [("position", JSON(1 << 30)), ("position", JSON(-1)), ("epoch", "x"), ("epoch", JSON(-1))] {
                var bad = saved
                bad[key] = value
                #expect(throws: FileError.self) { try same.restore(bad) }
            }
        }
    }

    @Test func refusesImpossibleSizes() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data")
            let data = try TokenDataset(folder + "/data")
            for (sequence, batch) in [(0, 1), (-1, 1), (4, 0), (data.trainTokens, 1), (.max, 1)] {
                #expect(throws: FileError.self) { try BatchSampler(data, sequence: sequence, batch: batch, seed: 0) }
            }
        }
    }

    @Test func validationCoversTheSplitOnce() throws {
        try withFolder { folder in
            try makeDataset(folder + "/data", share: 0.3)
            let data = try TokenDataset(folder + "/data")
            for (sequence, batch, limit) in [(8, 3, nil), (8, 3, 5), (100_000, 2, nil)] as [(Int, Int, Int?)] {
                var windows = ValidationWindows(data, sequence: sequence, batch: batch, limit: limit)
                var x = [Int32](repeating: -1, count: windows.sequence * batch)
                var y = x
                var (rows, bytes, seen) = (0, 0, [Int32]())
                while let part = x.withUnsafeMutableBufferPointer({ a in y.withUnsafeMutableBufferPointer { windows.next(into: a, targets: $0) } }) {
                    rows += part.rows
                    bytes += part.bytes
                    seen += y.prefix(part.rows * windows.sequence)
                }
                #expect(rows == windows.windows)
                #expect(bytes == data.textBytes(of: seen))
                if limit == nil {
                    var all = [Int32](repeating: 0, count: rows * windows.sequence)
                    all.withUnsafeMutableBufferPointer { data.copy(.validation, from: 1, into: $0) }
                    #expect(seen == all)
                }
            }
        }
    }
}
