import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors
import QuintetTokenizers

extension AdaptedModel {
    private static let scoreFile = "score.safetensors"

    /// What a checkpoint needs of the weights; of a whole model that is the result itself.
    func writeCheckpoint(into directory: AtomicDirectory, _ card: ModelCard) throws {
        switch form {
        case .whole: try writeResult(into: directory, card, .f32)
        case .head:
            try directory.file(Self.scoreFile) { writer in try SafetensorsWriter.write(scoreItems, into: &writer, path: directory.final) }
        case .adapter(let plan): try writeAdapter(plan, into: directory, .f32)
        }
    }

    /// Puts the parameters in training back to a checkpoint's.
    func loadCheckpoint(_ path: String) throws {
        switch form {
        case .whole:
            guard shape != nil else { return try learner.load(try ModelFolder.open(path).loadWeights(precision: .f32), source: path) }
            let folder = try ModelFolder.open(path)
            var weights = try folder.bodyWeights()
            for saved in try folder.scoreLayer()?.tensors ?? [] { weights[saved.name] = saved.tensor }
            try learner.load(weights, source: path)
        case .head:
            let file = try SafetensorsFile.open(Folder.join(path, Self.scoreFile))
            var weights: [String: Tensor] = [:]
            for entry in scoreEntries { weights[entry.name] = try file.tensor(file.require(entry.name)) }
            try learner.load(weights, source: path)
        case .adapter:
            let adapter = try Adapter.open(path, for: base)
            try adapter.load(into: learner.store)
            for entry in scoreEntries {
                guard let saved = adapter.extras.first(where: { $0.name == theirs(entry.name) }), saved.tensor.shape == entry.tensor.shape else {
                    throw FileError("the checkpoint lacks a parameter", path: path, field: entry.name, expected: "shape \(entry.tensor.shape)")
                }
                entry.tensor.copyIn(saved.tensor.cast(to: .f32).contiguous())
            }
        }
    }

    /// Writes the result: a model folder that `transformers` opens, with the base's tokenizer beside it.
    func writeResult(into directory: AtomicDirectory, _ card: ModelCard, _ dtype: AdaptSettings.SavedType) throws {
        for (name, bytes) in try base.tokenizerFiles() { try directory.file(name) { try $0.write(bytes) } }
        if case .adapter(let plan) = form {
            try directory.file("README.md") { try $0.write(card.text(family: base.family, spec: base.spec)) }
            return try writeAdapter(plan, into: directory, dtype.dtype)
        }
        var export = try ModelExport(base.spec, family: base.family, tokens: base.tokens, dtype: dtype.dtype, card: card)
        export.generation = try base.generationFields()
        export.score = shape?.layer(scoreEntries)
        // What did not move is read from its files as it is written.
        if case .whole = form { try export.write(learner.weights, into: directory) } else { try export.write(from: base, into: directory) }
    }

    /// The result as it will be loaded: opened from its files, an adapter with its base.
    func opened(_ path: String) throws -> (folder: ModelFolder, side: EquivalenceGate.Side) {
        if case .adapter = form, Folder.isFile(Folder.join(path, "adapter_config.json")) {
            return (base, try side(try base.adapted(by: [AdapterChoice(path)])))
        }
        let folder = try ModelFolder.open(path)
        return (folder, try side(folder))
    }

    private func side(_ folder: ModelFolder) throws -> EquivalenceGate.Side {
        guard shape != nil, let (body, layer) = try folder.scoring(), let weight = layer.weight else { return .init(try folder.transformer()) }
        return .init(body, score: (weight, layer.bias))
    }

    private func writeAdapter(_ plan: AdapterPlan, into directory: AtomicDirectory, _ type: DType) throws {
        // PEFT's files do not say what the scores mean.
        if let layer = shape?.layer(scoreEntries) {
            try directory.file(ScoreLayer.fileName) { try $0.write(JSON.object(layer.outputs).serialized(pretty: true) + "\n") }
        }
        let extras = scoreEntries.map { (name: theirs($0.name), tensor: $0.tensor) }
        try Adapter(plan, learner.store, extras: extras).write(into: directory, as: type, base: base)
    }

    /// What `transformers` calls a parameter of the scoring layer.
    private func theirs(_ name: String) -> String {
        guard let shape else { return name }
        return base.family.layer(shape.layerKind) + name.dropFirst("score".count)
    }

    /// The scoring layer's parameters as they stand.
    private var scoreEntries: [(name: String, tensor: Tensor)] {
        learner.store.entries.indices.filter { learner.store.entries[$0].name.hasPrefix("score.") }.map {
            (learner.store.entries[$0].name, learner.store.master($0))
        }
    }

    private var scoreItems: [SafetensorsWriter.Item] {
        scoreEntries.map { SafetensorsWriter.Item($0.name, floats: $0.tensor.floats, $0.tensor.shape.extents) }
    }
}

extension AdaptSettings.SavedType {
    var dtype: DType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        }
    }
}
