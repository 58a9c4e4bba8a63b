import QuintetCheckpoints
import QuintetCorpus
import QuintetFiles
import QuintetModels
import QuintetTensors
import QuintetTokenizers
import QuintetReports

extension Pretrainer {
    private static let optimizerFile = "optimizer.safetensors"

    /// Writes a checkpoint, makes it the run's newest model, and removes old ones; a full disk is a note, not an end.
    func save() throws {
        let outcome = try folder.checkpoints.save(step: state.step) { directory in
            try export().write(weights, into: directory)
            for (name, text) in tokenizer.files { try directory.file(name) { try $0.write(text) } }
            try directory.file(Self.optimizerFile) { writer in
                try SafetensorsWriter.write(moments(), into: &writer, path: directory.final)
            }
            try directory.file(TrainerState.fileName) { try $0.write(state.json.serialized(pretty: true) + "\n") }
        }
        switch outcome {
        case .saved(let checkpoint):
            try tell { try $0.saved(step: state.step) }
            try publish(checkpoint)
        case .postponed(let problem): try note("the checkpoint was not written, training goes on: \(problem)")
        }
    }

    /// The run's own top follows the newest checkpoint; a disk too full for that keeps the checkpoint itself.
    private func publish(_ checkpoint: CheckpointStore.Checkpoint) throws {
        do {
            try folder.checkpoints.publish(checkpoint)
            try folder.checkpoints.prune(best: state.bestStep)
        } catch let error as FileError {
            try note("checkpoint \(checkpoint.step) is written, but the run's newest weights are not in place: \(error)")
        }
    }

    /// Puts parameters and moments back to a checkpoint's.
    func load(_ checkpoint: CheckpointStore.Checkpoint) throws {
        let saved = try ModelFolder.open(checkpoint.path).loadWeights(precision: .f32)
        for (index, entry) in learner.store.entries.enumerated() {
            guard let tensor = saved[entry.name], tensor.shape == entry.shape else {
                throw FileError("the checkpoint lacks a parameter", path: checkpoint.path, field: entry.name, expected: "shape \(entry.shape)")
            }
            learner.store.master(index).copyIn(tensor.contiguous())
        }
        learner.store.refreshCopies()
        try loadMoments(Folder.join(checkpoint.path, Self.optimizerFile))
        learner.optimizer.updates = state.updates
    }

    /// Goes back to the newest good checkpoint and on with the batches after those that failed.
    func rollBack(_ number: Int) throws {
        guard let checkpoint = try folder.checkpoints.newestValid(say: { _ in }) else {
            throw TrainingError.diverged(
                "stopped at step \(state.step): the loss is not finite and there is no checkpoint to go back to. "
                    + "Try a lower learning_rate or a longer warmup")
        }
        let reached = state.step
        var earlier = try TrainerState.read(checkpoint: checkpoint.path)
        earlier.settings = state.settings
        earlier.guardState = guardian.state
        earlier.cursor = sampler.state
        earlier.seconds = state.seconds
        state = earlier
        try load(checkpoint)
        learner.discard()
        try note("rollback \(number): from step \(reached) to checkpoint \(checkpoint.step); the batches in between are passed over")
    }

    private var weights: [String: Tensor] {
        Dictionary(uniqueKeysWithValues: learner.store.entries.indices.map { (learner.store.entries[$0].name, learner.store.master($0)) })
    }

    private func moments() -> [SafetensorsWriter.Item] {
        learner.store.entries.indices.flatMap { learner.optimizer.moments($0) }.map { name, tensor in
            SafetensorsWriter.Item(name, .f32, tensor.shape.extents) { writer in
                try writer.write(UnsafeRawBufferPointer(start: tensor.data, count: tensor.count * 4))
            }
        }
    }

    private func loadMoments(_ path: String) throws {
        let file = try SafetensorsFile.open(path)
        for (name, tensor) in learner.store.entries.indices.flatMap({ learner.optimizer.moments($0) }) {
            let saved = try file.tensor(file.require(name))
            guard saved.shape == tensor.shape, saved.dtype == .f32 else {
                throw FileError("wrong shape", path: path, field: name, expected: "F32 \(tensor.shape)", found: "\(saved.dtype) \(saved.shape)")
            }
            tensor.copyIn(saved)
        }
    }

    private func export() throws -> ModelExport {
        let tokens = SpecialTokens(bos: tokenizer.bosID.map(Int.init), eos: [Int(dataset.endOfText)], pad: tokenizer.padID.map(Int.init))
        let facts: [(name: String, value: String)] = [
            ("Trained on", "\(grouped(state.tokens)) tokens, step \(grouped(state.step)) of \(grouped(plan.steps))"),
            ("Data", "sha256 \(dataset.fingerprint.prefix(16))"),
            ("Best validation loss", state.bestLoss.map { Number.short($0, digits: 4) } ?? "not measured"),
        ]
        return try ModelExport(
            learner.spec, family: Families.named(plan.shape.family.rawValue), tokens: tokens,
            card: ModelCard(
                title: "A \(plan.shape.family.rawValue) model of \(grouped(learner.store.parameterCount)) parameters",
                summary: "Pretrained from scratch with Quintet on raw text, without labels.", facts: facts))
    }
}
