import QuintetCorpus
import QuintetFiles
import Testing

@Suite struct GzipTests {
    /// Two gzip members; the second row is spread over both.
    static let members: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x49, 0xad, 0x28, 0x51, 0xb2, 0x52, 0x4a,
        0xcb, 0x2c, 0x2a, 0x2e, 0x51, 0x28, 0xca, 0x2f, 0xd7, 0x51, 0x28, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0x51, 0xaa, 0xe5, 0xaa,
        0x86, 0x49, 0x16, 0xa7, 0x26, 0xe7, 0xe7, 0xa5, 0x00, 0x00, 0xd0, 0x86, 0xb7, 0xbf, 0x2c, 0x00, 0x00, 0x00, 0x1f, 0x8b,
        0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x53, 0x28, 0xca, 0x2f, 0xd7, 0x51, 0xc8, 0xcc, 0x53, 0x48, 0x54, 0x48,
        0x2b, 0x2d, 0x2a, 0xc9, 0x48, 0x2d, 0x52, 0xc8, 0x4d, 0xcd, 0x4d, 0x4a, 0x2d, 0x52, 0xaa, 0xe5, 0x02, 0x00, 0x31, 0x8a,
        0x0e, 0xfa, 0x1c, 0x00, 0x00, 0x00,
    ]

    @Test func membersAreReadAsOne() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/rows.jsonl.gz", Self.members)
            _ = try gather([folder + "/rows.jsonl.gz"], folder + "/out")
            #expect(try documents(folder + "/out").map(\.text) == ["first row, packed", "second row, in a further member"])
        }
    }

    /// Cut or damaged anywhere: the run goes on, what cannot be read is set aside, and the account adds up.
    @Test func damageIsSetAside() throws {
        try withFolder { folder in
            let path = folder + "/in/rows.jsonl.gz"
            try write(["in/good.txt": long], folder)
            for at in stride(from: 0, to: Self.members.count, by: 7) {
                var flipped = Self.members
                flipped[at] ^= 0x55
                for content in [Array(Self.members[..<at]), flipped] {
                    try AtomicFile.write(path, content)
                    let report = try gather([folder + "/in"], folder + "/out")
                    #expect(report.documentsIn == report.documentsOut + report.documentsDropped)
                    #expect(report.documentsOut <= 3)
                    try Folder.remove(folder + "/out")
                }
            }
        }
    }
}
