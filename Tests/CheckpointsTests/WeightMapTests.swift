import QuintetCheckpoints
import QuintetFiles
import QuintetTensors
import Testing

@Suite struct WeightMapTests {
    private let map = WeightMap(
        [
            "model.wte.weight" <-> "embedding.tokens.weight", .transposed("model.h.{}.fc.weight") <-> "blocks.{}.feedForward.up.weight",
            .stacked(["model.h.{}.q.weight", "model.h.{}.k.weight"], rows: [2, 1]) <-> "blocks.{}.attention.qkv.weight",
            "model.h.{}.fc.bias" <-> "blocks.{}.feedForward.up.bias",
        ], prefix: "model.", ignored: ["h.{}.mask"])

    private let wanted: [(name: String, shape: [Int])] = [
        ("embedding.tokens.weight", [3, 2]), ("blocks.10.feedForward.up.weight", [3, 2]), ("blocks.10.attention.qkv.weight", [3, 2]),
    ]

    private let theirs: [(String, [Float], [Int])] = [
        ("wte.weight", [1, 2, 3, 4, 5, 6], [3, 2]), ("h.10.fc.weight", [1, 2, 3, 4, 5, 6], [2, 3]), ("h.10.q.weight", [1, 2, 3, 4], [2, 2]),
        ("h.10.k.weight", [5, 6], [1, 2]),
    ]

    private func folder(_ tensors: [(String, [Float], [Int])], prefix: String = "model.") throws -> WeightFolder {
        let path = try Folder.temporary()
        defer { try? Folder.remove(path) }
        try SafetensorsWriter.write(
            path + "/model.safetensors", tensors.map { SafetensorsWriter.Item(prefix + $0.0, floats: $0.1, $0.2) })
        return try WeightFolder.open(path)
    }

    @Test(arguments: ["model.", ""]) func loadsWithAndWithoutPrefix(_ prefix: String) throws {
        let tensors = try map.load(wanted, from: try folder(theirs, prefix: prefix))
        #expect(tensors["embedding.tokens.weight"]?.floats == [1, 2, 3, 4, 5, 6])
        #expect(tensors["blocks.10.feedForward.up.weight"]?.floats == [1, 4, 2, 5, 3, 6])
        #expect(tensors["blocks.10.attention.qkv.weight"]?.floats == [1, 2, 3, 4, 5, 6])
    }

    @Test func comesBackEqual() throws {
        let folder = try folder(theirs)
        let tensors = try map.load(wanted, from: folder)
        let path = try Folder.temporary()
        defer { try? Folder.remove(path) }
        try SafetensorsWriter.write(
            path + "/model.safetensors", try map.save(wanted.map { ($0.name, try #require(tensors[$0.name])) }))
        let again = try WeightFolder.open(path)
        #expect(again.names == folder.names)
        for name in folder.names {
            let (before, after) = (try #require(folder.find(name)), try #require(again.find(name)))
            #expect(before.entry.shape == after.entry.shape)
            #expect(try before.tensor().floats == after.tensor().floats)
        }
    }

    @Test func ignoresBuffersAndUnusedRows() throws {
        _ = try map.load(wanted, from: try folder(theirs + [("h.10.mask", [0], [1])]))
    }

    @Test func namesTheMissing() throws {
        let folder = try folder(theirs.filter { $0.0 != "h.10.q.weight" } + [("h.10.qq.weight", [1, 2, 3, 4], [2, 2])])
        #expect { try map.load(wanted, from: folder) } throws: { error in
            let text = "\(error)"
            return text.contains("model.h.10.q.weight") && text.contains("model.h.10.qq.weight")
        }
    }

    @Test func namesTheUnknown() throws {
        let folder = try folder(theirs + [("h.10.fc.weigth", [1], [1])])
        #expect { try map.load(wanted, from: folder) } throws: { error in
            let text = "\(error)"
            return text.contains("model.h.10.fc.weigth") && text.contains("model.h.10.fc.weight")
        }
    }

    @Test func refusesAnotherShape() throws {
        let folder = try folder(theirs.map { $0.0 == "wte.weight" ? ("wte.weight", [1, 2], [1, 2]) : $0 })
        #expect { try map.load(wanted, from: folder) } throws: { "\($0)".contains("[3, 2]") && "\($0)".contains("[1, 2]") }
    }

    @Test func refusesAParameterWithoutRow() throws {
        #expect(throws: FileError.self) { try map.load([("norm.weight", [2])], from: try folder(theirs)) }
        #expect(throws: FileError.self) { try map.save([("norm.weight", Tensor([Float(1), 2], [2]))]) }
    }
}
