import QuintetCheckpoints
public import QuintetFiles
import QuintetModels
public import QuintetTensors

/// An adapter written in another format: PEFT's folder to a GGUF file, and back.
public struct AdapterConversion {
    /// What was written.
    public struct Report: Sendable {
        public let path: String
        public let modules: Int
        public let parameters: Int

        public var json: JSON { ["path": .string(path), "modules": JSON(modules), "parameters": JSON(parameters)] }
    }

    private let model: String
    private let adapter: String

    /// `model` says how the formats' names and layouts correspond.
    public init(_ model: String, _ adapter: String) {
        self.model = model
        self.adapter = adapter
    }

    /// Writes a GGUF file where `out` ends in .gguf, else a folder.
    public func write(to out: String, as type: DType = .f32) throws -> Report {
        guard Folder.resolved(out) != Folder.resolved(adapter) else { throw FileError("the adapter cannot be written over itself", path: out) }
        let folder = try ModelFolder.open(model)
        let adapter = try Adapter.open(adapter, for: folder)
        if GGUFFile.isName(out) {
            try AtomicFile.checkFree(out)
            try adapter.writeGGUF(out, base: folder, as: type)
        } else {
            let directory = try AtomicDirectory(final: out)
            try adapter.write(into: directory, as: type, base: folder)
            try directory.commit()
        }
        return Report(path: out, modules: adapter.plan.modules.count, parameters: adapter.plan.trainableCount)
    }
}
