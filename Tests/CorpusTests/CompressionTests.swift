import QuintetCorpus
import QuintetFiles
import Testing

@Suite struct CompressionTests {
    /// Two Zstandard frames, made with the zstd command.
    static let zstd: [UInt8] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x1d, 0xe9, 0x00, 0x00, 0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0x66, 0x69,
        0x72, 0x73, 0x74, 0x20, 0x72, 0x6f, 0x77, 0x2c, 0x20, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x22, 0x7d, 0x0a, 0x78, 0x64,
        0x3b, 0xb7, 0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x29, 0x49, 0x01, 0x00, 0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22,
        0x73, 0x65, 0x63, 0x6f, 0x6e, 0x64, 0x20, 0x72, 0x6f, 0x77, 0x2c, 0x20, 0x69, 0x6e, 0x20, 0x61, 0x20, 0x66, 0x75, 0x72,
        0x74, 0x68, 0x65, 0x72, 0x20, 0x70, 0x61, 0x72, 0x74, 0x22, 0x7d, 0x0a, 0xda, 0x89, 0xe9, 0xb1,
    ]

    /// Two xz streams, made with the xz command.
    static let xz: [UInt8] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00,
        0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x1c, 0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22, 0x66, 0x69, 0x72, 0x73,
        0x74, 0x20, 0x72, 0x6f, 0x77, 0x2c, 0x20, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x22, 0x7d, 0x0a, 0x00, 0x00, 0x00, 0x00,
        0x66, 0xee, 0xbf, 0x68, 0x00, 0x01, 0x31, 0x1d, 0x40, 0xde, 0xdd, 0x85, 0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00,
        0x00, 0x01, 0x59, 0x5a, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21, 0x01,
        0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x28, 0x7b, 0x22, 0x74, 0x65, 0x78, 0x74, 0x22, 0x3a, 0x22,
        0x73, 0x65, 0x63, 0x6f, 0x6e, 0x64, 0x20, 0x72, 0x6f, 0x77, 0x2c, 0x20, 0x69, 0x6e, 0x20, 0x61, 0x20, 0x66, 0x75, 0x72,
        0x74, 0x68, 0x65, 0x72, 0x20, 0x70, 0x61, 0x72, 0x74, 0x22, 0x7d, 0x0a, 0x00, 0x00, 0x00, 0x00, 0xe8, 0x4b, 0x64, 0x92,
        0x00, 0x01, 0x3d, 0x29, 0xf9, 0x65, 0xdc, 0x08, 0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
    ]

    @Test(arguments: [zstd, xz]) func partsAreReadAsOne(content: [UInt8]) throws {
        try withFolder { folder in
            for name in ["rows.jsonl.zst", "rows.jsonl", "rows.jsonl.xz"] {  // content tells, not the name
                try AtomicFile.write(folder + "/" + name, content)
                _ = try gather([folder + "/" + name], folder + "/out")
                #expect(try documents(folder + "/out").map(\.text) == ["first row, packed", "second row, in a further part"])
                try Folder.remove(folder + "/out")
                try Folder.remove(folder + "/" + name)
            }
        }
    }

    private static func flipped(_ bytes: [UInt8], _ at: Int) -> [UInt8] {
        var bytes = bytes
        bytes[at] ^= 1
        return bytes
    }

    static let faults: [(String, [UInt8], String)] = [
        ("a.jsonl.zst", Array(zstd.dropLast(3)), "the compressed data ends too early"),
        ("a.jsonl.xz", Array(xz.dropLast(3)), "the compressed data ends too early"),
        ("a.jsonl.gz", Array(GzipTests.members.dropLast(3)), "the compressed data ends too early"),
        ("a.jsonl.zst", zstd + Array("trailing".utf8), "other bytes follow the compressed data"),
        ("a.jsonl.gz", GzipTests.members + Array("trailing".utf8), "other bytes follow the compressed data"),
        ("a.jsonl.xz", xz + Array("trailing garbage".utf8), "the compressed data is damaged"),
        ("a.jsonl.zst", flipped(zstd, zstd.count - 2), "the compressed data is damaged"),
        ("a.jsonl.gz", flipped(GzipTests.members, GzipTests.members.count - 6), "the compressed data is damaged"),
        // A window of 2 GiB, a dictionary that nobody has.
        ("a.jsonl.zst", [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0, 0], "the compressed data is damaged"),
        ("a.jsonl.zst", [0x28, 0xB5, 0x2F, 0xFD, 0x23, 0xDE, 0xAD, 0xBE, 0xEF, 0x01, 0x09, 0, 0, 0x41], "the compressed data is damaged"),
    ]

    /// What could be read stays, the damage is set aside with its place.
    @Test(arguments: faults) func damageIsSetAside(name: String, content: [UInt8], reason: String) throws {
        try withFolder { folder in
            try write(["in/good.txt": long], folder)
            try AtomicFile.write(folder + "/in/" + name, content)
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.quarantined == [reason: 1])
            #expect(report.documentsIn == report.documentsOut + 1)
            #expect(try rows(folder + "/out/quarantine/00000.jsonl")[0]["offset"]?.int != nil)
            #expect(throws: FileError.self) { try gather([folder + "/in"], folder + "/strict") { $0.strict = true } }
        }
    }

    /// Padding and skippable frames are no damage.
    @Test func whatMayFollow() throws {
        try withFolder { folder in
            for (name, content) in [("a.jsonl.gz", GzipTests.members + [UInt8](repeating: 0, count: 700)), ("a.jsonl.zst", [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 1, 2] + Self.zstd), ("a.jsonl.xz", Self.xz + [0, 0, 0, 0])] {
                try AtomicFile.write(folder + "/" + name, content)
                let report = try gather([folder + "/" + name], folder + "/out")
                #expect(report.documentsOut == 2 && report.documentsQuarantined == 0)
                try Folder.remove(folder + "/out")
            }
        }
    }

    /// 300 MB of zeros in some KB.
    @Test func bombsAreStopped() throws {
        try withFolder { folder in
            try write(["in/good.txt": long], folder)
            try AtomicFile.write(folder + "/in/a.txt.zst", bomb)
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.quarantined == ["a decompression bomb": 1])
        }
    }

    /// A Zstandard frame of 2,289 blocks that each repeat one byte 131,072 times.
    private var bomb: [UInt8] {
        var out: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
        for block in 0..<2289 {
            let head = UInt32(131_072 << 3 | 1 << 1 | (block == 2288 ? 1 : 0))
            out += [UInt8(head & 255), UInt8(head >> 8 & 255), UInt8(head >> 16 & 255), 0x20]
        }
        return out
    }
}
