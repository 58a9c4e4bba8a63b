public import QuintetTensors

/// A path into a model's parameters: building a layer and giving it its numbers are one act.
///
/// ```swift
/// let block = scope["blocks"][3]
/// let weight = try block["norm1"].parameter("weight", [64])   // blocks.3.norm1.weight
/// ```
/// Where the numbers come from (a file, a fresh draw, a trainer's slab) is the scope's business, not the layer's.
public struct ParameterScope: Sendable {
    /// The names from the root, joined by dots; empty at the root.
    public let path: String
    private let provide: @Sendable (_ name: String, _ shape: Shape) throws -> Tensor

    /// A root scope over `provide`, which gets a full name and the shape that the layer needs.
    public init(_ provide: @escaping @Sendable (_ name: String, _ shape: Shape) throws -> Tensor) {
        self.init(path: "", provide)
    }

    private init(path: String, _ provide: @escaping @Sendable (String, Shape) throws -> Tensor) {
        self.path = path
        self.provide = provide
    }

    public subscript(name: String) -> ParameterScope { ParameterScope(path: join(name), provide) }
    public subscript(index: Int) -> ParameterScope { self[String(index)] }

    /// The tensor called `name` here; the scope answers for its shape.
    public func parameter(_ name: String, _ shape: Shape) throws -> Tensor { try provide(join(name), shape) }

    private func join(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

extension ParameterScope {
    /// A scope over tensors that are there already; a missing name or another shape is a `ParameterError`.
    public init(_ tensors: [String: Tensor]) {
        self.init { name, shape in
            guard let tensor = tensors[name] else {
                throw ParameterError(name: name, expected: "\(shape)", found: "nothing", hint: nearestHint(name, tensors.keys.sorted()))
            }
            guard tensor.shape == shape else {
                throw ParameterError(name: name, expected: "\(shape)", found: "\(tensor.shape)", hint: nil)
            }
            return tensor
        }
    }
}

/// A layer asked for a parameter that is not there, or is of another shape.
public struct ParameterError: Error, Sendable, Equatable, CustomStringConvertible {
    public let name: String
    public let expected: String
    public let found: String
    public let hint: String?

    public var description: String {
        "parameter \(name): expected \(expected), found \(found)" + (hint.map { " (\($0))" } ?? "")
    }
}
