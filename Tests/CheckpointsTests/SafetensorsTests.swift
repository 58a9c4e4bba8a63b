import QuintetCheckpoints
import QuintetFiles
import QuintetTensors
import Testing

@Suite struct SafetensorsTests {
    /// What `safetensors.torch.save` 0.6 writes for eight small tensors, metadata {"format": "pt"}.
    static let header = """
        {"__metadata__":{"format":"pt"},"a.i64":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},\
        "h.f64":{"dtype":"F64","shape":[1],"data_offsets":[16,24]},"b.f32":{"dtype":"F32","shape":[2,2],"data_offsets":[24,40]},\
        "g.i32":{"dtype":"I32","shape":[],"data_offsets":[40,44]},"c.bf16":{"dtype":"BF16","shape":[2],"data_offsets":[44,48]},\
        "d.f16":{"dtype":"F16","shape":[1,1],"data_offsets":[48,50]},"e.u8":{"dtype":"U8","shape":[3],"data_offsets":[50,53]},\
        "f.bool":{"dtype":"BOOL","shape":[3],"data_offsets":[53,56]}}\u{20}\u{20}\u{20}\u{20}
        """
    static let data: [UInt8] = [
        255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f, 0, 0, 0xc0, 0x3f,
        0, 0, 0, 0xc0, 0, 0, 0x80, 0x3e, 0xca, 0xf2, 0x49, 0x71, 5, 0, 0, 0, 0x80, 0x3f, 0x49, 0x40, 0, 0x38, 7, 8, 9, 1, 0, 1,
    ]
    static var golden: [UInt8] { container(header, data) }

    @Test func readsWhatTheReferenceWrites() throws {
        try withFolder { folder in
            let path = folder + "/golden.safetensors"
            try AtomicFile.write(path, Self.golden)
            let file = try SafetensorsFile.open(path)
            #expect(file.names == ["a.i64", "h.f64", "b.f32", "g.i32", "c.bf16", "d.f16", "e.u8", "f.bool"])
            #expect(file.metadata.map(\.key) == ["format"])
            #expect(file["b.f32"]?.shape == [2, 2])
            #expect(try file.floats(file.require("b.f32")) == [1.5, -2, 0.25, 1e30])
            #expect(try file.floats(file.require("c.bf16")) == [1, 3.140625])
            #expect(try file.floats(file.require("d.f16")) == [0.5])
            #expect(try file.floats(file.require("h.f64")) == [0.1])
            #expect(try file.integers(file.require("a.i64")) == [-1, 1 << 40])
            #expect(try file.integers(file.require("g.i32")) == [5])
            #expect(try file.integers(file.require("e.u8")) == [7, 8, 9])
            #expect(try file.integers(file.require("f.bool")) == [1, 0, 1])
            #expect(try file.tensor(file.require("c.bf16")).dtype == .bf16)
            #expect(throws: FileError.self) { try file.tensor(file.require("a.i64")) }
            #expect(throws: FileError.self) { try file.integers(file.require("b.f32")) }
        }
    }

    @Test func writesTheSameBytesAsTheReference() throws {
        try withFolder { folder in
            let path = folder + "/ours.safetensors"
            let kinds: [(String, SafetensorsType, [Int], Range<Int>)] = [
                ("b.f32", .f32, [2, 2], 24..<40), ("f.bool", .bool, [3], 53..<56), ("a.i64", .i64, [2], 0..<16), ("d.f16", .f16, [1, 1], 48..<50),
                ("c.bf16", .bf16, [2], 44..<48), ("h.f64", .f64, [1], 16..<24), ("e.u8", .u8, [3], 50..<53), ("g.i32", .i32, [], 40..<44),
            ]
            let items = kinds.map { SafetensorsWriter.Item($0.0, $0.1, $0.2, bytes: Array(Self.data[$0.3])) }
            try SafetensorsWriter.write(path, items)
            #expect(try readBytes(path) == Self.golden)
            try SafetensorsWriter.write(path, items.reversed())
            #expect(try readBytes(path) == Self.golden)
        }
    }

    @Test func tensorsKeepTheFileAlive() throws {
        try withFolder { folder in
            let path = folder + "/x.safetensors"
            try SafetensorsWriter.write(path, [SafetensorsWriter.Item("x", floats: [1, 2, 3, 4], [2, 2])])
            let tensor = try { let file = try SafetensorsFile.open(path); return try file.tensor(file.require("x")) }()
            try Folder.remove(path)
            #expect(tensor.floats == [1, 2, 3, 4])
        }
    }

    @Test func copiesWhatIsNotAligned() throws {
        try withFolder { folder in
            // An unpadded header puts the floats at an odd address.
            let bytes = container(#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, [0, 0, 128, 63, 0, 0, 0, 64])
            let path = folder + "/odd.safetensors"
            try AtomicFile.write(path, bytes)
            let file = try SafetensorsFile.open(path)
            #expect(try file.tensor(file.require("x")).floats == [1, 2])
        }
    }

    @Test func keepsNamesApartByBytes() throws {
        try withFolder { folder in
            let path = folder + "/x.safetensors"
            try SafetensorsWriter.write(
                path, [SafetensorsWriter.Item("\u{e9}", floats: [1], [1]), SafetensorsWriter.Item("e\u{301}", floats: [2], [1])])
            let file = try SafetensorsFile.open(path)
            #expect(file.names.count == 2)
            #expect(try file.floats(file.require("\u{e9}")) == [1])
            #expect(try file.floats(file.require("e\u{301}")) == [2])
        }
    }

    @Test func theEmptyAndTheNamesake() throws {
        try withFolder { folder in
            let path = folder + "/x.safetensors"
            try SafetensorsWriter.write(path, [SafetensorsWriter.Item("a", floats: [], [0, 3]), SafetensorsWriter.Item("b", floats: [1], [1])])
            #expect(try SafetensorsFile.open(path)["a"]?.count == 0)
            try SafetensorsWriter.write(path, [])
            #expect(try SafetensorsFile.open(path).names.isEmpty)
            let before = try readBytes(path)
            let twice = [SafetensorsWriter.Item("a", floats: [1], [1]), SafetensorsWriter.Item("a", floats: [2], [1])]
            #expect(throws: FileError.self) { try SafetensorsWriter.write(path, twice) }
            let empties = [SafetensorsWriter.Item("a", floats: [], [0]), SafetensorsWriter.Item("b", floats: [], [0])]
            #expect(throws: FileError.self) { try SafetensorsWriter.write(path, empties) }
            #expect(try readBytes(path) == before)
        }
    }

    @Test func namesTheNearest() throws {
        #expect(nearestNames(to: "model.norm.wieght", in: ["model.norm.weight", "lm_head.weight"]) == ["model.norm.weight"])
        #expect(nearestHint("zzz", ["model.norm.weight"]) == nil)
    }
}
