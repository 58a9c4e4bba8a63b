import QuintetCheckpoints
import QuintetFiles
import QuintetTensors

/// The log-probabilities that preferences are compared with, measured once by the model as it was and kept in the run's folder.
///
/// A continued run reads them; a file of other samples or another model (by its key) is measured anew, which only a run at step 0 can do.
struct ReferenceCache {
    let folder: String
    /// Hash of base model, data and encoding.
    let key: String
    /// Whether the model at hand is still the one that training begins with.
    let isStart: Bool

    func filled(_ samples: [Sample], _ name: String, _ model: ObjectiveModel, batch: Int) throws -> [Sample] {
        guard !samples.isEmpty else { return [] }
        let path = Folder.join(folder, "reference-\(name).safetensors")
        let values = try read(path, count: samples.count) ?? measure(samples, model, batch)
        if isStart { try write(path, values) }
        return samples.enumerated().map { index, sample in
            var sample = sample
            sample.reference = [Double(values[2 * index]), Double(values[2 * index + 1])]
            return sample
        }
    }

    private func measure(_ samples: [Sample], _ model: ObjectiveModel, _ batch: Int) throws -> [Float] {
        guard isStart else {
            throw FileError(
                "the reference log-probabilities are missing or belong to another run", path: folder, expected: "reference-train.safetensors of this run",
                hint: "start again in another folder")
        }
        return stride(from: 0, to: samples.count, by: batch).flatMap { start in
            DPO.references(Array(samples[start..<min(start + batch, samples.count)]), model).flatMap { $0.map { Float($0) } }
        }
    }

    private func read(_ path: String, count: Int) throws -> [Float]? {
        guard Folder.isFile(path) else { return nil }
        let file = try SafetensorsFile.open(path)
        guard file.metadata.contains(where: { $0.key == "key" && $0.value == key }) else { return nil }
        let tensor = try file.tensor(file.require("log_probabilities"))
        return tensor.shape.extents == [count, 2] && tensor.dtype == .f32 ? tensor.floats : nil
    }

    private func write(_ path: String, _ values: [Float]) throws {
        try SafetensorsWriter.write(
            path, [SafetensorsWriter.Item("log_probabilities", floats: values, [values.count / 2, 2])], metadata: [("key", key)])
    }
}
