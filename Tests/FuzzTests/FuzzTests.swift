import FuzzHarnesses
import QuintetFiles
import Testing

/// A short run of every harness inside the suite: the corpus as it is, then a few thousand mutations of it, the same each time.
@Suite struct FuzzTests {
    @Test(arguments: Harness.all.map(\.name)) func survives(_ name: String) throws {
        let harness = try #require(Harness.all.first { $0.name == name })
        let inputs = harness.seeds + (try corpus(name))
        #expect(!inputs.isEmpty)
        for input in harness.seeds { #expect(throws: Never.self, "a seed has to be accepted") { try harness.feed(input) } }
        for input in inputs { try? harness.feed(input) }
        var mutator = Mutator(seed: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        for round in 0..<3000 { try? harness.feed(mutator.mutate(inputs[round % inputs.count], with: inputs)) }
    }

    /// What the corpus folder holds: inputs that once broke something, and rare valid ones.
    private func corpus(_ name: String) throws -> [[UInt8]] {
        let folder = Folder.parent(of: Folder.parent(of: #filePath)) + "/Fuzz/Corpus/" + name
        guard Folder.isFolder(folder) else { return [] }
        return try Folder.names(in: folder).map { try readFile(Folder.join(folder, $0)) }
    }
}

/// Bytes changed the way fuzzers change them: flips, edges of integers, cuts, copies, splices.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func mutate(_ input: [UInt8], with others: [[UInt8]]) -> [UInt8] {
        var bytes = input
        for _ in 0..<(1 + below(4)) { change(&bytes, others) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ others: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes = [UInt8(truncatingIfNeeded: next())] }
        let at = below(bytes.count)
        switch below(7) {
        case 0: bytes[at] ^= 1 << UInt8(below(8))
        case 1: bytes[at] = UInt8(truncatingIfNeeded: next())
        case 2: overwrite(&bytes, at, edge())
        case 3: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(16)))
        case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + below(64))], at: at)
        case 5: bytes.removeLast(below(min(bytes.count, 64)))
        default:
            let other = others[below(others.count)]
            let from = below(max(other.count, 1))
            overwrite(&bytes, at, Array(other[from..<min(other.count, from + 1 + below(32))]))
        }
    }

    private mutating func overwrite(_ bytes: inout [UInt8], _ at: Int, _ part: [UInt8]) {
        for (offset, byte) in part.enumerated() where at + offset < bytes.count { bytes[at + offset] = byte }
    }

    /// A number at the edge of a range, 1 to 8 bytes wide.
    private mutating func edge() -> [UInt8] {
        let values: [UInt64] = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 62, .max >> 1, 1 << 63, .max, .max - 31]
        let value = values[below(values.count)]
        return withUnsafeBytes(of: value.littleEndian) { Array($0.prefix([1, 2, 4, 8][below(4)])) }
    }

    private mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    private mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
