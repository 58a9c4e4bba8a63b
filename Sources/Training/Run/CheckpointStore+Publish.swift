#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
import QuintetFiles

extension CheckpointStore {
    /// Files that only continuing a run needs; everything else in a checkpoint makes a model folder.
    static let trainingOnly: Set<String> = [
        "optimizer.safetensors", TrainerState.fileName, AtomicDirectory.manifestName,
    ]

    /// Makes the run folder itself the model of this checkpoint: the newest weights, config and tokenizer at its top.
    ///
    /// Files are hard links to the checkpoint's (copies where the file system has none), each put in place by a rename.
    public func publish(_ checkpoint: Checkpoint) throws {
        for name in try Folder.names(in: checkpoint.path) where !Self.trainingOnly.contains(name) && !name.hasPrefix(".") {
            let source = Folder.join(checkpoint.path, name)
            guard Folder.isFile(source) else { continue }
            try put(source, at: Folder.join(run, name))
        }
    }

    private func put(_ source: String, at target: String) throws {
        let temporary = Folder.join(run, ".tmp-link-\(Folder.name(of: target))")
        try Folder.remove(temporary)
        guard link(source, temporary) == 0 else { return try copy(source, to: target) }
        guard rename(temporary, target) == 0 else {
            let code = errno
            throw FileError("cannot give the file its final name", path: target, found: String(cString: strerror(code)), code: code)
        }
        // Renaming one link onto another of the same file does nothing; then the temporary name is still there.
        try Folder.remove(temporary)
    }

    private func copy(_ source: String, to target: String) throws {
        try AtomicFile.write(target) { writer in
            try readPieces(source) { piece throws(FileError) in try writer.write(piece) }
        }
    }
}
