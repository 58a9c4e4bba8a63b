import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// A folder read and written again holds the same tensors, bit for bit, under the same names.
@Suite struct RoundTripTests {
    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: ["parity/gpt2", "parity/llama", "data/weights/stories260K-hf"])
    func weightsComeBack(_ name: String) throws {
        let original = try ModelFolder.open(Shared.path(name))
        #expect(original.warnings.isEmpty)
        try withFolder { folder in
            let export = try ModelExport(original.spec, tokens: original.tokens, card: ModelCard(title: name, summary: "A copy."))
            try export.write(try original.loadWeights(), into: folder)
            let copy = try ModelFolder.open(folder)
            #expect(copy.family.name == original.family.name)
            #expect(copy.tokens == original.tokens)
            #expect(copy.weights.names == original.weights.names)
            for name in original.weights.names { try expectEqual(name, original.weights, copy.weights) }
        }
    }

    private func expectEqual(_ name: String, _ a: WeightFolder, _ b: WeightFolder) throws {
        let (before, after) = (try #require(a.find(name)), try #require(b.find(name)))
        #expect(before.entry.shape == after.entry.shape)
        let (one, other) = (try before.tensor(), try after.tensor())
        #expect(one.dtype == other.dtype && one.floats == other.floats, "\(name)")
    }

    @Test func writesTheSameBytesTwice() throws {
        for config in [gpt2Config(), llamaConfig()] {
            let spec = try spec(config).spec
            let store = ParameterStore(spec.parameters, gradients: false)
            store.initialize(seed: 7)
            var tensors: [String: Tensor] = [:]
            for (index, entry) in store.entries.enumerated() { tensors[entry.name] = store.master(index) }
            try withFolder { folder in
                for dtype in [DType.f32, .bf16, .f16] {
                    let export = try ModelExport(spec, dtype: dtype, card: ModelCard(title: "x | y", summary: "z", facts: [("a", "b\nc")], license: "mit"))
                    try export.write(tensors, into: folder + "/one")
                    let directory = try AtomicDirectory(final: folder + "/two-\(dtype)")
                    try export.write(tensors, into: directory)
                    try directory.commit()
                    for name in ["config.json", "generation_config.json", "README.md", "model.safetensors"] {
                        #expect(try readFile(folder + "/one/" + name) == readFile(folder + "/two-\(dtype)/" + name))
                    }
                    let back = try ModelFolder.open(folder + "/one").loadWeights(precision: .f32)
                    for (name, tensor) in tensors { #expect(back[name]?.floats == tensor.cast(to: dtype).floats) }
                }
            }
        }
    }

    @Test func refusesAMissingParameter() throws {
        let export = try ModelExport(try spec(gpt2Config()).spec, card: ModelCard(title: "x", summary: "x"))
        try withFolder { folder in
            #expect(throws: FileError.self) { try export.write([:], into: folder + "/new") }
            #expect(!Folder.exists(folder + "/new"))
        }
    }

    @Test func refusesWeightsOfAnotherModel() throws {
        try withFolder { folder in
            let spec = try spec(gpt2Config()).spec
            let store = ParameterStore(spec.parameters, gradients: false)
            var tensors: [String: Tensor] = [:]
            for (index, entry) in store.entries.enumerated() { tensors[entry.name] = store.master(index) }
            try ModelExport(spec, card: ModelCard(title: "x", summary: "x")).write(tensors, into: folder)
            try AtomicFile.write(folder + "/config.json", gpt2Config(["n_embd": 32]))
            #expect { try ModelFolder.open(folder).loadWeights() } throws: { "\($0)".contains("[32, 32]") && "\($0)".contains("[32, 16]") }
            try AtomicFile.write(folder + "/config.json", gpt2Config(["n_layer": 3]))
            #expect { try ModelFolder.open(folder).loadWeights() } throws: { "\($0)".contains("transformer.h.2.") }
            try AtomicFile.write(folder + "/config.json", gpt2Config(["n_layer": 1]))
            #expect { try ModelFolder.open(folder).loadWeights() } throws: { "\($0)".contains("transformer.h.1.") }
        }
    }
}
