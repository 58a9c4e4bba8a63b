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

/// A path into a model's parameters; building a layer at a path loads it.
///
/// The scope decides how matrices are held (dense for training, packed once for inference), so layers have no such branches.
public struct ParameterScope: Sendable {
    public let path: String
    private let source: any ParameterSource
    private let layout: Layout

    /// How matrices are held.
    public enum Layout: Sendable {
        /// As they are: the store's own bytes, which gradients flow into.
        case dense
        /// In the order in which the kernels read them; block formats as they are stored.
        case packed
    }

    public init(_ source: any ParameterSource, _ layout: Layout, path: String = "") {
        self.source = source
        self.layout = layout
        self.path = path
    }

    /// The scope one step down.
    public subscript(_ name: String) -> ParameterScope {
        ParameterScope(source, layout, path: path.isEmpty ? name : "\(path).\(name)")
    }

    /// A vector or table of this scope.
    public func tensor(_ name: String, _ shape: Shape) throws -> Tensor { try source.parameter(self[name].path, shape) }

    /// A matrix [outputs, inputs] of this scope.
    public func weight(_ name: String, outputs: Int, inputs: Int) throws -> Weight {
        switch layout {
        case .dense: .dense(try tensor(name, [outputs, inputs]))
        case .packed: Weight(packing: try source.parts(self[name].path, [outputs, inputs]))
        }
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
        case .packed: return GroupedWeight(matrix, groups) { held($0) }
        }
    }

    /// The same matrix, held the way this scope holds matrices.
    public func held(_ matrix: Tensor) -> Weight {
        switch layout {
        case .dense: .dense(matrix)
        case .packed: Weight(packing: [matrix])
        }
    }
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
