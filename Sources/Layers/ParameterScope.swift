public import QuintetTensors

/// Where a layer's parameters come from: a training store, a checkpoint.
public protocol ParameterSource: Sendable {
    /// The parameter of that full name; its shape must be `shape`.
    func parameter(_ name: String, _ shape: Shape) throws -> Tensor
    /// The same as it is stored: matrices whose rows, one after the other, are the parameter, each in its own type (q, k and v, say).
    func parts(_ name: String, _ shape: Shape) throws -> [Tensor]
}

extension ParameterSource {
    public func parts(_ name: String, _ shape: Shape) throws -> [Tensor] { [try parameter(name, shape)] }
}

/// What adapters add to a model's matrices.
public protocol WeightAdapters: Sendable {
    /// The change of the matrix [outputs, inputs] of that full name; nil where there is none.
    func change(of name: String, outputs: Int, inputs: Int) throws -> LowRank?
}

/// A path into a model's parameters; building a layer at a path loads it.
///
/// The scope decides how matrices are held (dense for training, packed once for inference) and what adapters add to them, so layers have no
/// such branches.
public struct ParameterScope: Sendable {
    public let path: String
    private let source: any ParameterSource
    private let layout: Layout
    private let adapters: (any WeightAdapters)?

    /// How matrices are held.
    public enum Layout: Sendable, Equatable {
        /// As they are: the store's own bytes, which gradients flow into.
        case dense
        /// In the order in which the kernels read them; block formats as they are stored.
        case packed(FrozenArithmetic = .exact)
        /// As the files hold them, block formats too; gradients pass through and leave none behind.
        case frozen(FrozenArithmetic)
    }

    public init(_ source: any ParameterSource, _ layout: Layout, adapters: (any WeightAdapters)? = nil, path: String = "") {
        self.source = source
        self.layout = layout
        self.adapters = adapters
        self.path = path
    }

    /// The scope one step down.
    public subscript(_ name: String) -> ParameterScope {
        ParameterScope(source, layout, adapters: adapters, path: path.isEmpty ? name : "\(path).\(name)")
    }

    /// A vector or table of this scope.
    public func tensor(_ name: String, _ shape: Shape) throws -> Tensor { try source.parameter(self[name].path, shape) }

    /// A matrix [outputs, inputs] of this scope, with what adapters add to it.
    public func weight(_ name: String, outputs: Int, inputs: Int) throws -> Weight {
        let parts = layout == .dense ? [try tensor(name, [outputs, inputs])] : try source.parts(self[name].path, [outputs, inputs])
        return try weight(name, parts, outputs: outputs, inputs: inputs)
    }

    /// A matrix that lies at another place too (a tied head), with what adapters add to it here.
    public func weight(_ name: String, sharing matrix: Tensor) throws -> Weight {
        try weight(name, [matrix], outputs: matrix.shape[0], inputs: matrix.shape[1])
    }

    private func weight(_ name: String, _ parts: [Tensor], outputs: Int, inputs: Int) throws -> Weight {
        let change = try adapters?.change(of: self[name].path, outputs: outputs, inputs: inputs)
        guard let change else { return held(parts) }
        let turns = change.parts.contains { $0.magnitude != nil }
        let isPacked = if case .packed = layout { true } else { false }
        return .adapted(AdaptedMatrix(held(parts), change, original: turns && isPacked ? StoredMatrix(parts) : nil, isPacked: isPacked))
    }

    /// Vectors that are kept in f32 whatever the file's precision, as one tensor.
    public func vectors(_ name: String, _ shape: Shape) throws -> Tensor { try tensor(name, shape).cast(to: .f32) }

    /// The matrices of several groups that lie in one [rows, inputs]; `rows` is all of theirs where nobody says more.
    public func grouped(_ name: String, _ groups: GroupLayout, of rows: Int? = nil, inputs: Int) throws -> GroupedWeight {
        var matrix = try tensor(name, [rows ?? groups.groups * groups.step, inputs])
        // Blocks of numbers run along rows, so their transpose has none.
        if groups.orientation == .turned, matrix.dtype.isBlockFormat { matrix = matrix.cast(to: .f32) }
        switch layout {
        case .dense: return GroupedWeight(matrix, groups)
        case .packed: return GroupedWeight(matrix, groups) { held([$0]) }
        // Gradients go back through matrices as they lie, and blocks cannot be gone through in groups.
        case .frozen: return GroupedWeight(matrix.dtype.isBlockFormat ? matrix.cast(to: .f32) : matrix, groups)
        }
    }

    /// Matrices of this scope's own, held the way it holds matrices.
    private func held(_ parts: [Tensor]) -> Weight {
        switch layout {
        case .dense: .dense(parts[0])
        case .packed(let arithmetic): Weight(packing: parts, arithmetic)
        case .frozen(let arithmetic): parts[0].isParameter ? .dense(parts[0]) : .stored(StoredMatrix(parts, arithmetic))
        }
    }
}

extension Tensor {
    /// Whether it is one of the parameters that learn.
    fileprivate var isParameter: Bool { if case .parameter = node { true } else { false } }
}

/// A parameter that is missing or has another shape.
public struct ParameterError: Error, Sendable, Equatable, CustomStringConvertible {
    public let name: String, expected: String, found: String

    public init(name: String, expected: String, found: String) {
        self.name = name
        self.expected = expected
        self.found = found
    }

    public var description: String { "parameter \(name): expected \(expected), found \(found)" }
}

extension ParameterStore: ParameterSource {
    public func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
        guard let index = index(of: name) else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "no parameter of that name")
        }
        guard entries[index].shape == shape else {
            throw ParameterError(name: name, expected: "shape \(shape)", found: "shape \(entries[index].shape)")
        }
        return tensor(index)
    }
}
