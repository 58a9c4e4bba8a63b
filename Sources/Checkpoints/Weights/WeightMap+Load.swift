public import QuintetFiles
public import QuintetTensors

/// In what precision matrices are kept; vectors (norms, biases) are always f32.
public enum WeightPrecision: Sendable, Equatable {
    /// f16 and bf16 stay as they are in the file.
    case stored
    case f32

    /// The tensor as this precision keeps it.
    public func kept(_ tensor: Tensor) -> Tensor { self == .f32 || tensor.shape.rank < 2 ? tensor.cast(to: .f32) : tensor }
}

extension WeightMap {
    /// Gives every parameter of a model its numbers from the files, in our names and layouts, all at once.
    ///
    /// What needs no change is the file's own pages; what is transposed, stacked or converted is copied.
    /// - Throws: `FileError` where a tensor is missing, unknown, of another shape or of a type that holds no numbers.
    public func load(
        _ parameters: [(name: String, shape: [Int])], from folder: WeightFolder, precision: WeightPrecision = .stored
    ) throws(FileError) -> [String: Tensor] {
        let reader = try WeightReader(self, folder, parameters)
        var tensors: [String: Tensor] = [:]
        for (name, _) in parameters { tensors[name] = precision.kept(try reader.read(name)) }
        return tensors
    }
}
