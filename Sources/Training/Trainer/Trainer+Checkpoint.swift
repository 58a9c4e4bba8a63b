import QuintetCheckpoints
import QuintetFiles
import QuintetTensors

extension Trainer {
    private static let optimizerFile = "optimizer.safetensors"

    /// Writes a checkpoint, makes it the run's newest model where that is wanted, and removes old ones; a full disk is a note, not an end.
    func save() throws {
        let outcome = try folder.checkpoints.save(step: state.step) { directory in
            try trainee.write(into: directory, state)
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
            if pace.weights == .newest { try folder.checkpoints.publish(checkpoint) }
            try folder.checkpoints.prune(best: state.bestStep)
        } catch let error as FileError {
            try note("checkpoint \(checkpoint.step) is written, but the run's newest weights are not in place: \(error)")
        }
    }

    /// Puts parameters and moments back to a checkpoint's.
    func load(_ checkpoint: CheckpointStore.Checkpoint) throws {
        try trainee.loadWeights(checkpoint.path)
        try loadMoments(Folder.join(checkpoint.path, Self.optimizerFile))
        trainee.learner.optimizer.updates = state.updates
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
        earlier.cursor = trainee.cursor
        earlier.seconds = state.seconds
        state = earlier
        try load(checkpoint)
        trainee.learner.discard()
        try note("rollback \(number): from step \(reached) to checkpoint \(checkpoint.step); the batches in between are passed over")
    }

    private func moments() -> [SafetensorsWriter.Item] {
        let learner = trainee.learner
        return learner.store.entries.indices.flatMap { learner.optimizer.moments($0) }.map { name, tensor in
            SafetensorsWriter.Item(name, .f32, tensor.shape.extents) { writer in
                try writer.write(UnsafeRawBufferPointer(start: tensor.data, count: tensor.count * 4))
            }
        }
    }

    private func loadMoments(_ path: String) throws {
        let file = try SafetensorsFile.open(path)
        let learner = trainee.learner
        for (name, tensor) in learner.store.entries.indices.flatMap({ learner.optimizer.moments($0) }) {
            let saved = try file.tensor(file.require(name))
            guard saved.shape == tensor.shape, saved.dtype == .f32 else {
                throw FileError("wrong shape", path: path, field: name, expected: "F32 \(tensor.shape)", found: "\(saved.dtype) \(saved.shape)")
            }
            tensor.copyIn(saved)
        }
    }
}
