import QuintetFiles
import QuintetTraining
import Testing

@Suite struct RunFolderTests {
    func save(_ store: CheckpointStore, _ step: Int, text: String = "weights") throws -> CheckpointStore.Outcome {
        try store.save(step: step) { folder in
            try folder.file("model.safetensors") { try $0.write("\(text) \(step)") }
            try folder.file("optimizer.safetensors") { try $0.write("moments \(step)") }
            try folder.file("config.json") { try $0.write("{}") }
        }
    }

    func steps(_ store: CheckpointStore) throws -> [Int] { try store.list().map(\.step) }
    func text(_ path: String) throws -> String { String(decoding: try readFile(path), as: UTF8.self) }

    @Test func keepsTheLastAndTheBest() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 2)
            for step in [5, 10, 20, 100] {
                _ = try save(store, step)
                try store.prune(best: 5)
            }
            #expect(try steps(store) == [5, 20, 100])
        }
    }

    @Test func publishesTheModelButNotTheOptimizer() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 1)
            for step in 1...3 {
                guard case .saved(let checkpoint) = try save(store, step) else { return #expect(Bool(false)) }
                try store.publish(checkpoint)
                try store.publish(checkpoint)
                try store.prune(best: nil)
                #expect(try text(Folder.join(run, "model.safetensors")) == "weights \(step)")
            }
            #expect(try Folder.names(in: run) == ["checkpoints", "config.json", "model.safetensors"])
        }
    }

    @Test func damagedCheckpointFallsBackAloud() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 9)
            for step in [1, 2, 3, 4] { _ = try save(store, step) }
            try AtomicFile.write(Folder.join(run, "checkpoints/4/model.safetensors"), "weightz 4")
            try Folder.remove(Folder.join(run, "checkpoints/3/optimizer.safetensors"))
            var said: [String] = []
            #expect(try store.newestValid { said.append($0) }?.step == 2)
            #expect(said.count == 2 && said[0].contains("checkpoint 4 is damaged") && said[1].contains("checkpoint 3"))
            #expect(try steps(store) == [1, 2])
            #expect(Folder.isFolder(Folder.join(run, "checkpoints/damaged-4")))
            guard case .saved = try save(store, 4) else { return #expect(Bool(false)) }
            #expect(try store.newestValid { said.append($0) }?.step == 4)
        }
    }

    @Test func allDamagedIsAnErrorAndNoneIsNil() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 2)
            #expect(try store.newestValid { _ in } == nil)
            _ = try save(store, 7)
            try Folder.remove(Folder.join(run, "checkpoints/7/manifest.json"))
            let error = thrown(TrainingError.self) { _ = try store.newestValid { _ in } }
            #expect("\(error.map { "\($0)" } ?? "")".contains("no checkpoint is whole"))
        }
    }

    @Test func everyDamagedByteIsNoticed() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 2)
            _ = try save(store, 1)
            for name in ["model.safetensors", "config.json", "manifest.json", "optimizer.safetensors"] {
                let path = Folder.join(run, "checkpoints/1/\(name)")
                let good = try readFile(path)
                for at in stride(from: 0, to: good.count, by: 3) {
                    var bad = good
                    bad[at] ^= 0x40
                    try AtomicFile.write(path, bad)
                    #expect(thrown(FileError.self) { try AtomicDirectory.verify(Folder.join(run, "checkpoints/1")) } != nil, "\(name) \(at)")
                }
                try AtomicFile.write(path, good)
            }
            try AtomicDirectory.verify(Folder.join(run, "checkpoints/1"))
        }
    }

    @Test func oneFailureIsPostponedTwoInARowStop() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 2)
            _ = try save(store, 1)
            func fail(_ step: Int) throws -> CheckpointStore.Outcome {
                try store.save(step: step) { folder in
                    try folder.file("model.safetensors") { try $0.write("half") }
                    throw FileError("cannot write the file", path: "model.safetensors", found: "No space left on device")
                }
            }
            guard case .postponed(let problem) = try fail(2) else { return #expect(Bool(false)) }
            #expect(problem.contains("No space left"))
            _ = try save(store, 3)
            _ = try fail(4)
            let error = thrown(TrainingError.self) { _ = try fail(5) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("two checkpoints in a row"))
            #expect(try steps(store) == [1, 3])
            #expect(try Folder.names(in: store.folder) == ["1", "3"])
        }
    }

    @Test func newRunExistingRunForeignFolder() throws {
        try withScratch { scratch in
            let path = Folder.join(scratch, "a/run")
            do {
                let run = try RunFolder(path, resume: false) { _ in }
                #expect(run.start == nil)
                try run.write(settings: TrainingConfig())
                _ = try save(run.checkpoints, 12)
            }
            #expect(thrown(TrainingError.self) { _ = try RunFolder(path, resume: false) { _ in } } == .runExists(folder: path, step: 12))
            #expect(try RunFolder(path, resume: true) { _ in }.start?.step == 12)
            #expect(try RunFolder.settings(of: path) == TrainingConfig())

            let foreign = Folder.join(scratch, "photos")
            try Folder.create(foreign)
            try AtomicFile.write(Folder.join(foreign, "cat.jpg"), "x")
            for resume in [false, true] {
                guard case .notARun = thrown(TrainingError.self, { _ = try RunFolder(foreign, resume: resume) { _ in } }) else {
                    #expect(Bool(false))
                    continue
                }
            }
            #expect(try Folder.names(in: foreign) == ["cat.jpg"])
            #expect { _ = try RunFolder(Folder.join(foreign, "cat.jpg"), resume: false) { _ in } } throws: {
                "\($0)".contains("a run needs a folder") && "\($0)".contains("found a regular file")
            }
        }
    }

    @Test func resumeOfNothingStartsAtZeroAndLeftoversGo() throws {
        try withScratch { scratch in
            let path = Folder.join(scratch, "run")
            try Folder.create(Folder.join(path, "checkpoints/.tmp-9-1-1"))
            try AtomicFile.write(Folder.join(path, ".tmp-x"), "half")
            let run = try RunFolder(path, resume: true) { _ in }
            #expect(run.start == nil)
            #expect(try Folder.names(in: path) == [".lock", "checkpoints"] && Folder.isEmpty(run.checkpoints.folder))
        }
    }

    @Test func aSecondOwnerIsRefused() throws {
        try withScratch { path in
            let first = try RunFolder(path, resume: true) { _ in }
            let error = thrown(FileError.self) { _ = try RunFolder(path, resume: true) { _ in } }
            #expect("\(error.map { "\($0)" } ?? "")".contains("in use"))
            _ = first
        }
    }

    @Test func foreignNamesAreNoCheckpoints() throws {
        try withScratch { run in
            let store = CheckpointStore(run: run, keepLast: 1)
            for name in ["007", "-1", "1e3", "best", "12345678901234567890123", "+4"] { try Folder.create(Folder.join(store.folder, name)) }
            #expect(try steps(store).isEmpty)
            try store.prune(best: nil)
            #expect(try Folder.names(in: store.folder).count == 6)
        }
    }
}

@Suite struct TrainerStateTests {
    var state: TrainerState {
        get throws {
            var state = TrainerState()
            state.step = 1234
            state.tokens = 5_000_000_000_000
            state.cursor = ["epoch": 2, "position": 77, "order": "9f"]
            state.random = ["dropout": 18_446_744]
            state.bestLoss = 2.0 / 3
            state.bestStep = 1200
            state.seconds = 12.5
            let plan = try TrainingConfig().plan(vocabulary: 512)
            state.settings = plan.settings
            state.model = plan.configuration(endOfText: 0)
            state.dataFingerprint = String(repeating: "a", count: 64)
            state.tokenizerFingerprint = String(repeating: "b", count: 64)
            return state
        }
    }

    @Test func survivesJSON() throws {
        let state = try state
        #expect(try TrainerState(JSON.parse(state.json.serialized(pretty: true)), source: "test") == state)
        #expect(try TrainerState(JSON.parse(TrainerState().json.serialized()), source: "test") == TrainerState())
    }

    @Test func wrongFieldsAreNamed() throws {
        let good = try state.json
        for key in good.object?.keys ?? [] where !["cursor", "model", "best_metric", "best_step", "random"].contains(key) {
            var bad = good
            bad[key] = ["nonsense": true]
            let error = thrown(TrainingError.self) { _ = try TrainerState(bad, source: "trainer_state.json") }
            #expect("\(error.map { "\($0)" } ?? "")".contains("trainer_state.json"), "\(key)")
            var missing = good
            missing[key] = .null
            #expect(thrown(TrainingError.self) { _ = try TrainerState(missing, source: "x") } != nil, "\(key)")
        }
        var newer = good
        newer["format"] = 99
        #expect(thrown(TrainingError.self) { _ = try TrainerState(newer, source: "x") } == .newerState(path: "x", version: 99, known: 1))
        var negative = good
        negative["global_step"] = -4
        #expect(thrown(TrainingError.self) { _ = try TrainerState(negative, source: "x") } != nil)
    }

    @Test func continuingListsEveryDifference() throws {
        let saved = try state
        try saved.checkContinues(
            settings: saved.settings, model: saved.model, dataFingerprint: saved.dataFingerprint,
            tokenizerFingerprint: saved.tokenizerFingerprint)
        var settings = saved.settings
        settings.seed = 7
        settings.saveEvery = 3
        var model = saved.model
        model["vocab_size"] = 600
        let error = thrown(TrainingError.self) {
            try saved.checkContinues(settings: settings, model: model, dataFingerprint: "c", tokenizerFingerprint: "d")
        }
        guard case .resumeDiffers(let differences) = error else { return #expect(Bool(false)) }
        #expect(differences.map(\.name) == ["seed", "config.json vocab_size", "tokenizer", "data"])
    }
}
