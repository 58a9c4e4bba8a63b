/// One parameter of a model: its name, its shape, what part it plays, and how a fresh one is drawn.
public struct ParameterSpec: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    public let role: Role
    public let start: Start

    public init(name: String, shape: [Int], role: Role, start: Start) {
        self.name = name
        self.shape = shape
        self.role = role
        self.start = start
    }

    public var count: Int { shape.reduce(1, *) }

    /// The part a parameter plays: optimizers group by it.
    public enum Role: Sendable, Equatable {
        /// `[out, in]` inside a block: one matrix, or several stacked by rows (q, k, v; gate, up), with the rows of each.
        case matrix(rows: [Int])
        /// Token or position table.
        case embedding
        /// The untied output projection.
        case head
        /// Vectors: norm weights, biases, sinks.
        case vector

        /// Whether the parameter multiplies activations and may be stored in less than f32.
        public var isMatrix: Bool { self != .vector }
    }

    /// How a fresh parameter is made.
    public enum Start: Sendable, Equatable {
        case normal(deviation: Float)
        case fill(Float)
        /// Between minus this and this, all values alike.
        case uniform(bound: Float)
    }
}
