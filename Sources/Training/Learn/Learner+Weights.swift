import QuintetFiles
import QuintetTensors

extension Learner {
    /// The f32 values of all parameters in training, by name.
    var weights: [String: Tensor] {
        Dictionary(uniqueKeysWithValues: store.entries.indices.map { (store.entries[$0].name, store.master($0)) })
    }

    /// Puts the parameters in training to these values.
    /// - Throws: `FileError` naming `source` where one is missing or of another shape.
    func load(_ weights: [String: Tensor], source: String) throws(FileError) {
        for (index, entry) in store.entries.enumerated() {
            guard let tensor = weights[entry.name], tensor.shape == entry.shape else {
                throw FileError("the checkpoint lacks a parameter", path: source, field: entry.name, expected: "shape \(entry.shape)")
            }
            store.master(index).copyIn(tensor.contiguous().cast(to: .f32))
        }
        store.refreshCopies()
    }
}
