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
        }
    }

    /// Puts the parameters in training back to a checkpoint's.
    func loadCheckpoint(_ path: String) throws {
        switch form {
        case .whole:
            guard shape != nil else { return try learner.load(try ModelFolder.open(path).loadWeights(precision: .f32), source: path) }
            let folder = try ModelFolder.open(path)
            var weights = try folder.bodyWeights()
            for entry in scoreEntries { weights[entry.name] = try folder.weights.find(entry.name)?.tensor() }
            try learner.load(weights, source: path)
        case .head:
            let file = try SafetensorsFile.open(Folder.join(path, Self.scoreFile))
            var weights: [String: Tensor] = [:]
            for entry in scoreEntries { weights[entry.name] = try file.tensor(file.require(entry.name)) }
            try learner.load(weights, source: path)
        }
    }

    /// Writes the result: a model folder that `transformers` opens, with the base's tokenizer beside it.
    func writeResult(into directory: AtomicDirectory, _ card: ModelCard, _ dtype: AdaptSettings.SavedType) throws {
        var export = try ModelExport(base.spec, family: base.family, tokens: base.tokens, dtype: dtype.dtype, card: card)
        export.score = shape?.layer(scoreEntries)
        try export.write(try resultWeights(), into: directory)
        for (name, bytes) in try base.tokenizerFiles() { try directory.file(name) { try $0.write(bytes) } }
    }

    private func resultWeights() throws -> [String: Tensor] {
        switch form {
        case .whole: learner.weights
        case .head: try base.bodyWeights()
        }
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
