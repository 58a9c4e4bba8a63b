import QuintetCheckpoints
import QuintetFiles
import QuintetTensors

/// Reads parameters one after the other and keeps the last one, which several tensors may be cut from.
final class ParameterReader: Sendable {
    private let reader: WeightReader
    private let adapters: AppliedAdapters?
    private let last = Guarded<(name: String, tensor: Tensor)?>(nil)

    /// `scores`: a scoring layer, which is no parameter of the model, is written beside these parameters.
    /// - Throws: `FileError` where the weights cannot take what the model's adapters add.
    init(_ folder: ModelFolder, scores: Bool = false) throws(FileError) {
        reader = try scores ? folder.bodyReader() : folder.weightReader()
        adapters = folder.adapters
        if !scores { try adapters?.checkMerging() }
    }

    /// The parameter in our layout, as numbers of a plain type, adapters merged into it in f32.
    func read(_ name: String, as type: DType) throws(FileError) -> Tensor {
        let held = last.withLock { $0 }
        if let held, held.name == name, held.tensor.dtype == type { return held.tensor }
        if let held, held.name != name { reader.release(held.name) }
        let tensor = try merged(name).cast(to: type)
        last.withLock { $0 = (name, tensor) }
        return tensor
    }

    private func merged(_ name: String) throws(FileError) -> Tensor {
        if let whole = adapters?.whole(name) { return whole.contiguous() }
        let tensor = try reader.read(name).contiguous()
        guard let adapters, adapters.touches(name) else { return tensor }
        return try adapters.merged(name, into: tensor.cast(to: .f32))
    }

    /// The type that a parameter's first part has in the files, as GGUF calls it; f32 where GGUF has no such type.
    func type(of name: String) -> GGUFType {
        guard let stored = reader.storedType(name) else { return .f32 }
        return GGUFType.allCases.first { $0.name == stored && $0.dtype != nil } ?? .f32
    }
}
