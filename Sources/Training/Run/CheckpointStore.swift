#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
public import QuintetFiles

/// The checkpoints of one run, `RUN/checkpoints/STEP`: written whole or not at all, verified before they are trusted.
///
/// The owner holds the run folder's lock, so nobody else writes here.
public final class CheckpointStore {
    /// One committed checkpoint.
    public struct Checkpoint: Sendable, Equatable {
        public let step: Int
        public let path: String
    }

    /// What became of an attempt to save.
    public enum Outcome: Sendable, Equatable {
        case saved(Checkpoint)
        /// Nothing was written, training may go on; the text says why.
        case postponed(problem: String)
    }

    /// The run folder.
    public let run: String
    public let folder: String
    public let keepLast: Int
    private var failuresInRow = 0

    public init(run: String, keepLast: Int) {
        self.run = run
        folder = Folder.join(run, "checkpoints")
        self.keepLast = max(1, keepLast)
    }

    /// Everything committed, oldest first, unverified. Temporary and damaged folders do not count.
    public func list() throws(FileError) -> [Checkpoint] {
        guard Folder.isFolder(folder) else { return [] }
        return try Folder.names(in: folder).compactMap { name in
            guard let step = Int(name), step >= 0, "\(step)" == name else { return nil }
            return Checkpoint(step: step, path: Folder.join(folder, name))
        }.sorted { $0.step < $1.step }
    }

    /// Writes a checkpoint; `body` puts its files into the folder it is given.
    ///
    /// The first failure to write (a full disk, say) is an outcome, the second in a row is an error: one lost interval
    /// is better than a lost run, two mean that nothing will be kept.
    /// - Throws: `TrainingError.cannotSave`, or what `body` throws that is no `FileError`.
    public func save(step: Int, replacing: Bool = false, _ body: (AtomicDirectory) throws -> Void) throws -> Outcome {
        let path = Folder.join(folder, "\(step)")
        do {
            if Folder.exists(path) {
                if !replacing, (try? AtomicDirectory.verify(path)) != nil { return .saved(Checkpoint(step: step, path: path)) }
                try remove(path)
            }
            let directory = try AtomicDirectory(final: path)
            try body(directory)
            try directory.commit()
            failuresInRow = 0
            return .saved(Checkpoint(step: step, path: path))
        } catch let error as FileError {
            failuresInRow += 1
            if failuresInRow >= 2 { throw TrainingError.cannotSave(folder: run, problem: error.description) }
            return .postponed(problem: error.description)
        }
    }

    /// Removes old checkpoints: all but the newest `keepLast` and `best`.
    public func prune(best: Int?) throws(FileError) {
        let all = try list()
        for checkpoint in all.dropLast(keepLast) where checkpoint.step != best { try remove(checkpoint.path) }
    }

    /// The newest checkpoint whose every byte is as its manifest says; nil where there is none at all.
    ///
    /// A damaged one is set aside as `damaged-STEP`, said through `say`, and the one before it is tried.
    /// - Throws: `TrainingError.noValidCheckpoint` where all are damaged.
    public func newestValid(say: (String) -> Void) throws -> Checkpoint? {
        var problems: [String] = []
        for checkpoint in try list().reversed() {
            do {
                try AtomicDirectory.verify(checkpoint.path)
                return checkpoint
            } catch {
                let problem = "checkpoint \(checkpoint.step) is damaged: \(error)"
                problems.append(problem)
                say(problem + ". Trying the one before it")
                try setAside(checkpoint)
            }
        }
        if !problems.isEmpty { throw TrainingError.noValidCheckpoint(folder: run, problems: problems) }
        return nil
    }

    /// Removes what a killed process left under temporary names, here and in the run folder.
    public func removeLeftovers() throws(FileError) {
        for place in [run, folder] where Folder.isFolder(place) {
            for name in try Folder.names(in: place) where name.hasPrefix(".tmp-") { try Folder.remove(Folder.join(place, name)) }
        }
    }

    /// A folder is renamed before it is emptied, so that a half-removed one is never taken for a checkpoint.
    private func remove(_ path: String) throws(FileError) {
        let doomed = Folder.join(folder, ".tmp-removed-\(Folder.name(of: path))")
        try Folder.remove(doomed)
        try move(path, to: doomed)
        try Folder.remove(doomed)
    }

    private func setAside(_ checkpoint: Checkpoint) throws(FileError) {
        let place = Folder.join(folder, "damaged-\(checkpoint.step)")
        try Folder.remove(place)
        try move(checkpoint.path, to: place)
    }

    private func move(_ old: String, to new: String) throws(FileError) {
        guard rename(old, new) == 0 else {
            let code = errno
            throw FileError("cannot rename the folder", path: old, found: String(cString: strerror(code)), code: code)
        }
    }
}
