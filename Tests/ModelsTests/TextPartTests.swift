import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// Models that also see pictures: what writes is loaded, under either way of naming it.
@Suite struct TextPartTests {
    /// A reference model's folder as the text part of a whole, with a tower beside it.
    private func wrap(_ name: String, as whole: String, _ rename: (String) -> String, _ outer: JSONObject = [:], in folder: String) throws {
        let original = try Shared.path("parity/\(name)")
        var config: JSONObject = ["model_type": .string(whole), "text_config": try JSON.read(original + "/config.json"), "vision_config": ["hidden_size": 4]]
        for (key, value) in outer { config[key] = value }
        let weights = try WeightFolder.open(original)
        var items = [SafetensorsWriter.Item("vision_tower.patch.weight", floats: [1, 2], [2])]
        for file in weights.files {
            for (index, entry) in file.tensors.enumerated() {
                items.append(SafetensorsWriter.Item(rename(entry.name), floats: try file.tensor(at: index).floats, entry.shape))
            }
        }
        try Folder.create(folder)
        try AtomicFile.write(folder + "/config.json", .object(config))
        try SafetensorsWriter.write(folder + "/model.safetensors", items)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: [("gemma3", "gemma3"), ("mistral", "mistral3"), ("llama", "llava")])
    func loadsWhatWrites(_ name: String, _ whole: String) throws {
        let original = try ModelFolder.open(Shared.path("parity/\(name)"))
        let wanted = try original.loadWeights()
        let namings: [(String) -> String] = [
            { "language_model." + $0 }, { $0.hasPrefix("model.") ? "model.language_model." + $0.dropFirst("model.".utf8.count) : $0 },
        ]
        try withFolder { folder in
            for (index, naming) in namings.enumerated() {
                let place = "\(folder)/\(index)"
                try wrap(name, as: whole, naming, ["eos_token_id": [1, 7]], in: place)
                let model = try ModelFolder.open(place)
                #expect(model.spec == original.spec && model.family.name == original.family.name && model.tokens.eos == [1, 7])
                #expect(model.warnings.contains { $0.contains("text part of this \(whole) model") }, "\(model.warnings)")
                for (name, tensor) in try model.loadWeights() { #expect(tensor.floats == wanted[name]?.floats, "\(name)") }
            }
        }
    }

    /// Gemma 3 writes only what is not its configuration's default.
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func fillsInWhatTheReferenceTakes() throws {
        try withFolder { folder in
            let config: JSON = [
                "model_type": "gemma3", "text_config": ["hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
                "rope_scaling": ["factor": 8.0, "rope_type": "linear"], "sliding_window": 1024], "vision_config": [:],
            ]
            try AtomicFile.write(folder + "/config.json", config)
            try SafetensorsWriter.write(folder + "/model.safetensors", [SafetensorsWriter.Item("language_model.model.norm.weight", floats: [0], [1])])
            let spec = try ModelFolder.open(folder).spec
            #expect(spec.vocabulary == 262_208 && spec.context == 131_072 && spec.layers.count == 34 && attention(spec).headWidth == 256 && attention(spec).kvHeads == 4)
            var wrong = config
            wrong["text_config"]?["num_hidden_layers"] = -1
            try AtomicFile.write(folder + "/config.json", wrong)
            #expect { try ModelFolder.open(folder) } throws: { ($0 as? FileError)?.field == "text_config.num_hidden_layers" }
            try AtomicFile.write(folder + "/config.json", ["model_type": "gemma3", "text_config": 3] as JSON)
            #expect(throws: FileError.self) { try ModelFolder.open(folder) }
        }
    }
}
