import QuintetCheckpoints
import QuintetFiles
import QuintetModels
import QuintetTensors

/// What decides the keys and values of a text besides the text: the bytes of the weights and adapters, and the kernels that ran.
struct ModelFingerprint: Sendable, Equatable {
    /// SHA-256 over the weights' files and what computes with them.
    let model: String
    /// SHA-256 of each adapter's files.
    let adapters: [String]

    init(_ folder: ModelFolder, _ adapters: [ServedAdapter]) throws(FileError) {
        var whole = SHA256Stream()
        whole.update("\(quintetVersion) \(InstructionSet.name) \(folder.arithmetic.rawValue)")
        for file in folder.weights.files { whole.update(try sha256(file: file.path)) }
        if Folder.isFolder(folder.path) { whole.update(try sha256(file: Folder.join(folder.path, ModelFolder.configName))) }
        model = whole.hex
        var hashes: [String] = []
        for adapter in adapters {
            var hash = SHA256Stream()
            let files = Folder.isFolder(adapter.path) ? try Folder.files(under: adapter.path) : [adapter.path]
            for file in files where !file.hasSuffix(".md") { hash.update(try sha256(file: file)) }
            hashes.append(hash.hex)
        }
        self.adapters = hashes
    }
}
