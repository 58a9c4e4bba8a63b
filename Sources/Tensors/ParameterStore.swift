/// One parameter's place in the slabs.
public struct ParameterEntry: Sendable {
    public let spec: ParameterSpec
    public let shape: Shape
    /// Elements from the start of the slab, a multiple of 64.
    public let offset: Int

    public var name: String { spec.name }
    public var range: Range<Int> { offset..<(offset + shape.count) }
}

/// All parameters of a model in training: f32 values and gradients in two flat slabs, and a bf16 copy of the matrices where asked.
///
/// Plan, then allocate: the entries are known before a byte is taken.
// Sendable: written by the trainer's one thread only; readers get published tensors.
public final class ParameterStore: @unchecked Sendable {
    public let entries: [ParameterEntry]
    /// The dtype matrices are multiplied in; the values slab is always f32 (the masters).
    public let matrixDType: DType
    /// All values, f32, in the order of the entries, padded to 64 elements each.
    public let values: Tensor
    /// All gradients, f32, laid out like the values.
    public let gradients: Tensor
    private let copies: Tensor?
    private let indices: [String: Int]
    private var written: [Bool]

    public init(_ specs: [ParameterSpec], matrixDType: DType = .f32, gradients wantsGradients: Bool = true) {
        entries = Self.layOut(specs)
        self.matrixDType = matrixDType
        let total = ParameterStore.slabCount(entries)
        values = Tensor.filled([total])
        // The padding between parameters stays zero, so that a norm can read the slab in one call.
        gradients = Tensor.filled([wantsGradients ? total : 0])
        copies = matrixDType == .f32 ? nil : Tensor(uninitialized: [total], dtype: matrixDType)
        indices = Dictionary(entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        written = Array(repeating: false, count: entries.count)
    }

    private static func layOut(_ specs: [ParameterSpec]) -> [ParameterEntry] {
        var offset = 0
        return specs.map { spec in
            defer { offset = (offset + spec.count + 63) & ~63 }
            return ParameterEntry(spec: spec, shape: Shape(spec.shape), offset: offset)
        }
    }

    /// Elements of a slab that holds these entries.
    private static func slabCount(_ entries: [ParameterEntry]) -> Int {
        entries.last.map { ($0.offset + $0.shape.count + 63) & ~63 } ?? 0
    }

    public var parameterCount: Int { entries.reduce(0) { $0 + $1.shape.count } }

    public func index(of name: String) -> Int? { indices[name] }

    /// The f32 value of a parameter.
    public func master(_ index: Int) -> Tensor { view(values, index) }

    /// The gradient of a parameter.
    public func gradient(_ index: Int) -> Tensor { view(gradients, index) }

    /// The low-precision copy of a parameter, where it has one.
    public func copy(_ index: Int) -> Tensor? {
        guard let copies, entries[index].spec.role.isMatrix else { return nil }
        return view(copies, index)
    }

    /// What a layer multiplies with: the copy where there is one, else the master.
    public func tensor(_ index: Int) -> Tensor {
        var tensor = copy(index) ?? master(index)
        tensor.node = .parameter(index)
        return tensor
    }

    /// Sets every parameter to its start value; the result depends on `seed` and the parameter's place only.
    public func initialize(seed: UInt64) {
        for (index, entry) in entries.enumerated() {
            switch entry.spec.start {
            case .fill(let value): master(index).fill(value)
            case .normal(let deviation): master(index).fillNormal(deviation: deviation, seed: seed, stream: UInt64(index))
            case .uniform(let bound): master(index).fillUniform(low: -bound, high: bound, seed: seed, stream: UInt64(index))
            }
        }
        refreshCopies()
    }

    /// Makes the low-precision copies equal to the masters, after the masters were written.
    public func refreshCopies() {
        for index in entries.indices { refreshCopy(index) }
    }

    /// The same for one parameter.
    public func refreshCopy(_ index: Int) {
        if let copy = copy(index) { copy.castIn(master(index)) }
    }

    /// Forgets all gradients; the first one that arrives overwrites.
    public func clearGradients() {
        for index in written.indices { written[index] = false }
    }

    /// Zeroes the gradients nothing was written to, so that the whole slab can be read.
    public func completeGradients() {
        for index in written.indices where !written[index] {
            gradient(index).fill(0)
            written[index] = true
        }
    }

    func gradientDestination(_ index: Int) -> (gradient: Tensor, adds: Bool) {
        defer { written[index] = true }
        return (gradient(index), written[index])
    }

    private func view(_ slab: Tensor, _ index: Int) -> Tensor {
        Tensor(storage: slab.storage, offset: entries[index].offset, shape: entries[index].shape, dtype: slab.dtype)
    }
}
