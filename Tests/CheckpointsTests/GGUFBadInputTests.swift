import QuintetCheckpoints
import QuintetFiles
import Testing

/// Rows 1-25 of the catalogue of bad inputs (those about the file itself): every case is an error that names the file and a place.
@Suite struct GGUFBadInputTests {
    typealias B = GGUFBytes

    static let cases: [(String, [UInt8])] = [
        // 1-3: magic and version
        ("1 empty", []), ("1 three bytes", Array("GGU".utf8)), ("1 magic alone", Array("GGUF".utf8)),
        ("2 bad magic", B.one { $0.magic = Array("GGML".utf8) }), ("2 swapped magic", B.one { $0.magic = Array("FUGG".utf8) }),
        ("2 big-endian version", B.one { $0.version = UInt32(3).byteSwapped }),
        ("3 version 0", B.one { $0.version = 0 }), ("3 version 1", B.one { $0.version = 1 }), ("3 version 4", B.one { $0.version = 4 }),
        ("3 version 2^32-1", B.one { $0.version = .max }),
        // 4-5: counts
        ("4 2^63 tensors", B.one { $0.tensorCount = 1 << 63 }), ("4 2^64-1 tensors", B.one { $0.tensorCount = .max }),
        ("4 one tensor too many", B.one { $0.tensorCount = 2 }), ("4 a million tensors", B.one { $0.tensorCount = 1_000_000 }),
        ("5 2^64-1 pairs", B.one { $0.pairCount = .max }), ("5 one pair too many", B.one { $0.pairCount = 2 }),
        ("5 100,001 pairs", B.one { $0.pairCount = 100_001 }),
        // 6-7: keys
        ("6 key longer than the file", B.one { $0.pairs = [B.text([0x61], length: 1 << 20)] }),
        ("6 key of 2^64-1", B.one { $0.pairs = [B.text([0x61], length: .max)] }),
        ("6 key of 257 bytes", B.one { $0.pairs = [B.pair(String(repeating: "k", count: 257), 1)] }),
        ("7 empty key", B.one { $0.pairs = [B.pair("", 1)] }), ("7 NUL in a key", B.one { $0.pairs = [B.pair("a\0b", 1)] }),
        ("7 key is not UTF-8", B.one { $0.pairs = [B.text([0x61, 0xC3, 0x28]) + le(UInt32(4)) + le(UInt32(1))] }),
        // 8-11: values
        ("8 type 255", B.one { $0.pairs = [B.pair("k", 255, [1])] }), ("8 type 13", B.one { $0.pairs = [B.pair("k", 13, [1])] }),
        ("8 boolean 2", B.one { $0.pairs = [B.pair("k", 7, [2])] }),
        ("9 array of arrays", B.one { $0.pairs = [B.pair("k", 9, B.array(9, 1, B.array(4, 1, le(UInt32(1)))))] }),
        ("9 depth 100,000", B.one { $0.pairs = [B.pair("k", 9, (0..<100_000).flatMap { _ in B.array(9, 1, []) })] }),
        ("9 element type 77", B.one { $0.pairs = [B.pair("k", 9, B.array(77, 1, [1]))] }),
        ("10 2^61 of 8 bytes", B.one { $0.pairs = [B.pair("k", 9, B.array(10, 1 << 61, []))] }),
        ("10 2^62 of 4 bytes", B.one { $0.pairs = [B.pair("k", 9, B.array(4, 1 << 62, [0, 0, 0, 0]))] }),
        ("10 2^64-1 texts", B.one { $0.pairs = [B.pair("k", 9, B.array(8, .max, []))] }),
        ("10 more texts than the file holds", B.one { $0.pairs = [B.pair("k", 9, B.array(8, 4, B.text([0x61])))] }),
        ("10 booleans of 3", B.one { $0.pairs = [B.pair("k", 9, B.array(7, 2, [1, 3]))] }),
        ("11 text longer than the file", B.one { $0.pairs = [B.pair("k", 8, B.text([0x61], length: 4096))] }),
        ("11 text of 2^64-1", B.one { $0.pairs = [B.pair("k", 8, B.text([0x61], length: .max))] }),
        ("11 text in an array", B.one { $0.pairs = [B.pair("k", 9, B.array(8, 1, B.text([0x61], length: 4096)))] }),
        ("11 text is not UTF-8", B.one { $0.pairs = [B.pair("k", 8, B.text([0xFF]))] }),
        // 12-13
        ("12 key twice", B.one { $0.pairs = [B.pair("k", 1), B.pair("k", 2)] }),
        ("13 alignment 0", B.one { $0.pairs = [B.pair("general.alignment", 0)] }),
        ("13 alignment 3", B.one { $0.pairs = [B.pair("general.alignment", 3)] }),
        ("13 alignment 2^31", B.one { $0.pairs = [B.pair("general.alignment", 1 << 31)] }),
        ("13 alignment is text", B.one { $0.pairs = [B.pair("general.alignment", string: "32")] }),
        // 14-18: names and shapes
        ("14 name of 65 bytes", B.one { $0.tensors = [B.tensor(String(repeating: "n", count: 65), [4, 2])] }),
        ("14 name of 2^64-1", B.one { $0.tensors = [B.text([0x61], length: .max) + B.tensor("", [4])] }),
        ("14 name twice", B.one { $0.tensors = [B.tensor("x", [4]), B.tensor("x", [4], offset: 32)]; $0.data += $0.data }),
        ("14 no name", B.one { $0.tensors = [B.tensor("", [4, 2])] }),
        ("15 no axes", B.one { $0.tensors = [B.tensor("x", [])] }), ("15 five axes", B.one { $0.tensors = [B.tensor("x", [4, 2, 1, 1, 1])] }),
        ("15 2^32-1 axes", B.one { $0.tensors = [B.tensor("x", [4, 2], rank: .max)] }),
        ("16 size 0", B.one { $0.tensors = [B.tensor("x", [4, 0])] }), ("16 row 0", B.one { $0.tensors = [B.tensor("x", [0, 2])] }),
        ("17 size -1", B.one { $0.tensors = [B.tensor("x", [.max, 2])] }), ("17 size -2^63", B.one { $0.tensors = [B.tensor("x", [4, 1 << 63])] }),
        ("18 2^32 x 2^32", B.one { $0.tensors = [B.tensor("x", [1 << 32, 1 << 32])] }),
        ("18 product wraps", B.one { $0.tensors = [B.tensor("x", [1 << 30, 1 << 30, 1 << 30, 1 << 30])] }),
        ("18 2^31-1 three times", B.one { $0.tensors = [B.tensor("x", [2_147_483_647, 2_147_483_647, 2_147_483_647])] }),
        // 19-21: blocks and types
        ("19 blocks overflow", B.one { $0.tensors = [B.tensor("x", [2_147_483_392, 2_147_483_647, 2_147_483_647, 512], type: 12)] }),
        ("20 33 in blocks of 32", B.one { $0.tensors = [B.tensor("x", [33, 2], type: 8)]; $0.data = [UInt8](repeating: 0, count: 4096) }),
        ("20 128 in blocks of 256", B.one { $0.tensors = [B.tensor("x", [128, 2], type: 12)]; $0.data = [UInt8](repeating: 0, count: 4096) }),
        ("21 type 4", B.one { $0.tensors = [B.tensor("x", [32], type: 4)] }), ("21 type 5", B.one { $0.tensors = [B.tensor("x", [32], type: 5)] }),
        ("21 type 31", B.one { $0.tensors = [B.tensor("x", [32], type: 31)] }), ("21 type 33", B.one { $0.tensors = [B.tensor("x", [32], type: 33)] }),
        ("21 type 2^32-1", B.one { $0.tensors = [B.tensor("x", [32], type: .max)] }),
        // 22-25: offsets
        ("22 unaligned", B.one { $0.tensors = [B.tensor("x", [4], offset: 4)] }), ("22 beyond the end", B.one { $0.tensors = [B.tensor("x", [4], offset: 64)] }),
        ("22 2^64-32", B.one { $0.tensors = [B.tensor("x", [4], offset: UInt64.max - 31)] }),
        ("22 2^63-32", B.one { $0.tensors = [B.tensor("x", [4], offset: (1 << 63) - 32)] }),
        ("23 same bytes", B.one { $0.tensors = [B.tensor("x", [4, 2]), B.tensor("y", [4, 2])] }),
        ("23 overlap", B.one { $0.tensors = [B.tensor("x", [16]), B.tensor("y", [4], offset: 32)]; $0.data += $0.data }),
        ("25 cut by one byte", B.one { $0.data.removeLast() }), ("25 no data", B.one { $0.data = [] }),
        ("25 the head alone", Array(B.one().prefix(40))),
    ]

    @Test func refusesEveryCase() throws {
        try withFolder { folder in
            for (name, bytes) in Self.cases {
                let error = try ggufRefusal(bytes, in: folder)
                #expect(error != nil, "\(name) was accepted")
                #expect(error?.path?.hasSuffix("case.gguf") == true && error?.field != nil && error?.offset != nil, "\(name): \(String(describing: error))")
            }
        }
    }

    @Test func refusesEveryCut() throws {
        let whole = B.one { file in
            file.pairs.append(B.pair("tokenizer.ggml.tokens", 9, B.array(8, 2, B.text([0x61]) + B.text([0x62]))))
            file.pairs.append(B.pair("a.b", 12, le(UInt64(1))))
        }
        try withFolder { folder in
            let refusal = try ggufRefusal(whole, in: folder)
            #expect(refusal == nil)
            for count in 0..<whole.count {
                let refusal = try ggufRefusal(Array(whole.prefix(count)), in: folder)
                #expect(refusal != nil, "cut to \(count) bytes")
            }
        }
    }

    @Test func saysBigEndian() throws {
        try withFolder { folder in
            for bytes in [B.one { $0.magic = Array("FUGG".utf8) }, B.one { $0.version = UInt32(3).byteSwapped }] {
                #expect("\(try #require(try ggufRefusal(bytes, in: folder)))".contains("big-endian"))
            }
            let removed = try #require(try ggufRefusal(B.one { $0.tensors = [B.tensor("x", [32], type: 4)] }, in: folder))
            #expect("\(removed)".contains("Q4_2"))
        }
    }

    /// Row 26: numbers that are not finite are found by reading every tensor.
    @Test func findsWhatIsNotFinite() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            writePlain(path, B.one())
            try GGUFFile.open(path).checkTensors()
            writePlain(path, B.one { $0.data.replaceSubrange(8..<12, with: le(Float.infinity.bitPattern)) })
            #expect { try GGUFFile.open(path).checkTensors() } throws: { "\($0)".contains("x[2]") }
        }
    }

    /// Row 24: what nobody refers to is said, not refused.
    @Test func saysWhatIsUnused() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            for bytes in [B.one { $0.data += [UInt8](repeating: 1, count: 64) }, B.one { $0.tensors = [B.tensor("x", [4], offset: 64)]; $0.data = [UInt8](repeating: 0, count: 80) }] {
                writePlain(path, bytes)
                let warnings = try GGUFFile.open(path).warnings
                #expect(warnings.count == 1)
            }
            writePlain(path, B.one())
            let warnings = try GGUFFile.open(path).warnings
            #expect(warnings.isEmpty)
        }
    }
}

/// Opens bytes as a file and gives the error; nil where they were accepted.
func ggufRefusal(_ bytes: [UInt8], in folder: String) throws -> FileError? {
    let path = folder + "/case.gguf"
    writePlain(path, bytes)
    do throws(FileError) { _ = try GGUFFile.open(path) } catch { return error }
    return nil
}
