import QuintetCheckpoints
import QuintetFiles
import QuintetTensors
import Testing

@Suite struct GGUFTests {
    private static let pairs: [(key: String, value: GGUFWriter.Value)] = [
        ("general.architecture", .string("llama")), ("a.u32", .u32(.max)), ("a.i32", .i32(-1)), ("a.f32", .f32(1e-5)), ("a.yes", .bool(true)),
        ("a.texts", .strings(["", "é", "▁the"])), ("a.floats", .floats([0, -1.5])), ("a.numbers", .integers([3, -3])),
    ]

    private func items() -> [GGUFWriter.Item] {
        [
            GGUFWriter.Item("short", floats: [1, 2, 3]),
            GGUFWriter.Item("matrix", .f16, [2, 3]) { writer in try writer.write([UInt8](repeating: 0x3C, count: 12)) },
            GGUFWriter.Item("blocks", .q8_0, [2, 3, 32]) { writer in try writer.write([UInt8](repeating: 1, count: 6 * 34)) },
        ]
    }

    @Test func readsWhatIsWritten() throws {
        try withFolder { folder in
            let path = folder + "/x.gguf"
            try GGUFWriter.write(path, pairs: Self.pairs, items())
            let file = try GGUFFile.open(path)
            #expect(file.warnings.isEmpty && file.version == 3 && GGUFFile.isGGUF(path))
            #expect(file.pairs.map(\.key) == Self.pairs.map(\.key))
            #expect(file["a.u32"] == .integer(Int64(UInt32.max)) && file["a.i32"] == .integer(-1) && file["a.yes"] == .bool(true))
            #expect(file["a.f32"]?.json == .number(1e-5))
            #expect(try file.strings("a.texts") == ["", "é", "▁the"] && file.floats("a.floats") == [0, -1.5] && file.integers("a.numbers") == [3, -3])
            #expect(try file.strings("a.missing").isEmpty)
            #expect(throws: FileError.self) { try file.strings("a.floats") }
            #expect(file.tensors.map(\.name) == ["short", "matrix", "blocks"])
            #expect(file.entries[2].shape == [2, 3, 32] && file.entries[2].range.count == 204)
            #expect(try file.tensor(at: 0).floats == [1, 2, 3])
            #expect(try file.tensor(at: 1).floats == [Float](repeating: 1.0585938, count: 6))
            try GGUFWriter.write(folder + "/y.gguf", copying: file.pairs.map { .copied($0, file) }, items())
            #expect(try readBytes(path) == readBytes(folder + "/y.gguf"))
        }
    }

    @Test func writesWholeBlocksOnly() throws {
        try withFolder { folder in
            for item in [
                GGUFWriter.Item("x", .q8_0, [2, 33]) { _ in }, GGUFWriter.Item(String(repeating: "n", count: 64), .f32, [1]) { _ in },
                GGUFWriter.Item("x", .f32, [1, 1, 1, 1, 1]) { _ in },
            ] {
                #expect(throws: FileError.self) { try GGUFWriter.write(folder + "/x.gguf", pairs: [], [item]) }
            }
            #expect(throws: FileError.self) { try GGUFWriter.write(folder + "/x.gguf", pairs: [("k", .u32(1)), ("k", .u32(2))], []) }
            let isEmpty = try Folder.isEmpty(folder)
            #expect(isEmpty)
        }
    }

    /// Row 30: a file that is one of several needs the others.
    @Test func opensSets() throws {
        func write(_ folder: String, _ name: String, no: UInt32, of count: UInt32, tensor: String) throws {
            try GGUFWriter.write(folder + "/" + name, pairs: [("split.no", .u32(no)), ("split.count", .u32(count)), ("split.tensors.count", .i32(2))], [GGUFWriter.Item(tensor, floats: [1])])
        }
        try withFolder { folder in
            try write(folder, "m-00001-of-00002.gguf", no: 0, of: 2, tensor: "a")
            #expect(throws: FileError.self, "a part is missing") { try GGUFSet.open(folder + "/m-00001-of-00002.gguf") }
            try write(folder, "m-00002-of-00002.gguf", no: 1, of: 2, tensor: "b")
            for part in ["1", "2"] {
                let files = try GGUFSet.open(folder + "/m-0000\(part)-of-00002.gguf")
                #expect(try WeightFolder(folder, files).names == ["a", "b"])
            }
            try write(folder, "m-00002-of-00002.gguf", no: 0, of: 2, tensor: "b")
            #expect(throws: FileError.self, "the first part again") { try GGUFSet.open(folder + "/m-00001-of-00002.gguf") }
            try write(folder, "m-00002-of-00002.gguf", no: 1, of: 3, tensor: "b")
            #expect(throws: FileError.self, "of another set") { try GGUFSet.open(folder + "/m-00001-of-00002.gguf") }
            try write(folder, "other.gguf", no: 0, of: 2, tensor: "a")
            #expect(throws: FileError.self, "a name that does not say") { try GGUFSet.open(folder + "/other.gguf") }
            try write(folder, "x-00001-of-00001.gguf", no: 0, of: 4_000_000_000, tensor: "a")
            #expect(throws: FileError.self, "four billion parts") { try GGUFSet.open(folder + "/x-00001-of-00001.gguf") }
        }
    }

    @Test func ordersRows() throws {
        let map = WeightMap([
            .orderedStack(["q", "k"], rows: [4, 4], orders: [.pairs(heads: 1), .same]) <-> "qk", .shifted("norm", by: 1) <-> "norm",
        ])
        try withFolder { folder in
            try SafetensorsWriter.write(
                folder + "/model.safetensors",
                [
                    SafetensorsWriter.Item("q", floats: [0, 2, 1, 3], [4, 1]), SafetensorsWriter.Item("k", floats: [4, 5, 6, 7], [4, 1]),
                    SafetensorsWriter.Item("norm", floats: [1.5, 0], [2]),
                ])
            let weights = try WeightFolder.open(folder)
            let tensors = try map.load([("qk", [8, 1]), ("norm", [2])], from: weights)
            #expect(tensors["qk"]?.floats == [0, 1, 2, 3, 4, 5, 6, 7])
            #expect(tensors["norm"]?.floats == [0.5, -1])
            let items = try map.save(["qk", "norm"].map { ($0, try #require(tensors[$0])) })
            try SafetensorsWriter.write(folder + "/again.safetensors", items)
            let again = try WeightFolder.open(folder + "/again.safetensors")
            for name in weights.names { #expect(try again.find(name)?.tensor().floats == weights.find(name)?.tensor().floats, "\(name)") }
        }
    }
}
