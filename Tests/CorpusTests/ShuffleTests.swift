import QuintetCorpus
import QuintetFiles
import Testing

/// The shuffled order seen from outside: each window once an epoch, epochs unlike each other, nothing left in its place.
@Suite struct ShuffleTests {
    /// A training split of `count` tokens that are 1, 2, 3, ... so that a token tells its place.
    private func counting(_ folder: String, _ count: Int) throws -> TokenDataset {
        let size = count + 1
        let writer = try DatasetWriter(
            into: folder + "/\(count)", tokenizer: "t", vocabularySize: size, endOfText: 0,
            tokenBytes: Array(repeating: 1, count: size), holdOut: HoldOut(share: 0))
        try writer.append((1...Int32(count)), id: "all", textBytes: count)
        try writer.finish()
        return try TokenDataset(folder + "/\(count)")
    }

    @Test(arguments: [2, 3, 5, 9, 17, 64, 65, 100, 1025, 5000]) func isAPermutation(tokens: Int) throws {
        try withFolder { folder in
            var sampler = try BatchSampler(try counting(folder, tokens), sequence: 1, batch: 1, seed: 3)
            var epochs: [[Int32]] = []
            for _ in 0..<2 { epochs.append((0..<sampler.windowsPerEpoch).map { _ in sampler.next().inputs[0] }) }
            for epoch in epochs { #expect(epoch.sorted() == Array(1..<Int32(tokens))) }
            if tokens > 60 {
                #expect(epochs[0] != epochs[1])
                let inPlace = epochs[0].enumerated().filter { Int($1) == $0 + 1 }.count
                #expect(inPlace < 8)
                // Neighbors do not stay neighbors.
                #expect(zip(epochs[0], epochs[0].dropFirst()).filter { $1 == $0 + 1 }.count < 8)
            }
        }
    }

    @Test func theOffsetMovesWithTheEpoch() throws {
        try withFolder { folder in
            var sampler = try BatchSampler(try counting(folder, 1000), sequence: 64, batch: 1, seed: 3)
            let offsets = (0..<20).map { epoch -> Int32 in
                sampler.cursor = .init(epoch: epoch)
                return sampler.next().inputs[0] % 64
            }
            #expect(Set(offsets).count > 5)
        }
    }
}
