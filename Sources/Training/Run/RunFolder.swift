public import QuintetFiles

/// The folder of one training run: settings, newest weights, checkpoints, metrics and report.
///
///     RUN/run.yaml            every setting
///     RUN/config.json, model.safetensors, tokenizer.json   the newest weights: a model folder
///     RUN/checkpoints/STEP/   what `--resume` continues from
///     RUN/metrics.jsonl, RUN/tensorboard/, RUN/report.html
///
/// It is locked while this value lives; a second process is refused.
public final class RunFolder {
    public static let settingsName = "run.yaml"

    public let path: String
    public let checkpoints: CheckpointStore
    /// Where to continue; nil for a run that starts at step 0.
    public let start: CheckpointStore.Checkpoint?
    private let lock: FolderLock
    /// Whether there was no folder before.
    private let isNew: Bool

    /// Opens the folder of a new run, or with `resume` of one to be continued.
    ///
    /// A missing folder, an empty one and (with `resume`) a run without checkpoints start at step 0.
    /// - Throws: `TrainingError.notARun`, `.runExists`, `.noValidCheckpoint`; `FileError` where another process holds it.
    public init(_ path: String, resume: Bool, keepLast: Int = 2, say: (String) -> Void) throws {
        self.path = path
        try Self.check(path, resume: resume)
        isNew = !Folder.exists(path)
        try Folder.create(path)
        lock = try FolderLock(path)
        // Somebody may have started a run between the check and the lock.
        try Self.check(path, resume: resume)
        checkpoints = CheckpointStore(run: path, keepLast: keepLast)
        try checkpoints.removeLeftovers()
        start = resume ? try checkpoints.newestValid(say: say) : nil
    }

    /// A run that was refused after all leaves nothing behind.
    deinit {
        if isNew, (try? Folder.names(in: path)) == [".lock"] { try? Folder.remove(path) }
    }

    public func file(_ name: String) -> String { Folder.join(path, name) }

    /// Writes `run.yaml`, which also makes the folder a run.
    public func write(settings: TrainingConfig) throws(FileError) { try AtomicFile.write(file(Self.settingsName), settings.yaml) }

    /// The same of a state: what an adaptation is, or the settings of a pretraining.
    func writeSettings(_ state: TrainerState) throws(FileError) {
        guard let task = state.task.object else { return try write(settings: state.settings) }
        // A JSON value on one line is YAML.
        let lines = task.map { "\($0.key): \($0.value.serialized())\n" }.joined()
        try AtomicFile.write(file(Self.settingsName), "# Settings of a Quintet adaptation\n" + lines)
    }

    /// The settings a run was started with; nil where there are none yet.
    public static func settings(of path: String) throws -> TrainingConfig? {
        let file = Folder.join(path, settingsName)
        guard Folder.exists(file) else { return nil }
        var config = TrainingConfig()
        try config.apply(yamlFile: file)
        return config
    }

    private static func check(_ path: String, resume: Bool) throws {
        guard Folder.exists(path) else { return }
        guard Folder.isFolder(path) else {
            throw FileError(
                "a run needs a folder", path: path, expected: "a new or an empty folder", found: Folder.kind(of: path), hint: "give --into another name")
        }
        let names = try Folder.names(in: path).filter { $0 != ".lock" && !$0.hasPrefix(".tmp-") }
        guard let first = names.first else { return }
        guard names.contains(settingsName) || names.contains("checkpoints") else {
            throw TrainingError.notARun(folder: path, found: quoted(first) + (names.count > 1 ? " and \(names.count - 1) more" : ""))
        }
        guard resume else {
            let newest = try CheckpointStore(run: path, keepLast: 1).list().last
            throw TrainingError.runExists(folder: path, step: newest?.step)
        }
    }
}
