/// The operations of one forward pass, in order, with how each sends its gradient back.
///
/// Append order is topological order, so backward is one reverse loop; each entry is dropped as it is consumed, and its saved
/// tensors with it.
///
///     let tape = Tape()
///     let x = tape.input(Tensor([1, 2], [1, 2]))
///     let y = scale(x, by: 3, tape)
///     let gradients = tape.backward(from: y, gradient: Tensor([1, 1], [1, 2]))
///     gradients[x]?.floats  // [3, 3]
public final class Tape {
    /// Sends the gradient of an output on to the inputs; the gradient is the pullback's own to overwrite after `makeUnique`.
    public typealias Pullback = (inout Tensor, Gradients) -> Void

    private struct Entry {
        let node: Int
        let pullback: Pullback
    }
    private var entries: [Entry] = []
    private var nodeCount = 0
    private var recipes: [Int: () -> Tensor] = [:]

    /// Where the gradients of parameters go; without one, parameters are constants.
    public let parameters: ParameterStore?
    /// What is kept for the backward pass and what is computed again.
    public let recompute: Recompute

    /// Whether nobody wants the result any more: layers and pullbacks that have not begun are left out, and what comes of it means nothing.
    public let isStopped: @Sendable () -> Bool

    public init(parameters: ParameterStore? = nil, recompute: Recompute = .none, isStopped: @escaping @Sendable () -> Bool = { false }) {
        self.parameters = parameters
        self.recompute = recompute
        self.isStopped = isStopped
    }

    /// A tensor whose gradient is wanted.
    public func input(_ tensor: Tensor) -> Tensor {
        var copy = tensor
        copy.node = newNode()
        return copy
    }

    /// Whether a gradient flows into `tensor`.
    public func needs(_ tensor: Tensor) -> Bool {
        switch tensor.node {
        case .constant: false
        case .value: true
        case .parameter: parameters != nil
        }
    }

    /// Adds an operation; its output becomes a value on the tape.
    public func record(_ output: Tensor, _ pullback: @escaping Pullback) -> Tensor {
        var copy = output
        copy.node = newNode()
        if case .value(let node) = copy.node { entries.append(Entry(node: node, pullback: pullback)) }
        return copy
    }

    /// Says how `tensor` can be computed again, so that whoever saves it under `Recompute.activations` keeps the recipe instead.
    public func offerRecipe(for tensor: Tensor, _ recipe: @escaping () -> Tensor) {
        guard recompute == .activations, case .value(let node) = tensor.node else { return }
        recipes[node] = recipe
    }

    /// A tensor kept for the backward pass, or the recipe for it.
    public func save(_ tensor: Tensor) -> Saved {
        if case .value(let node) = tensor.node, let recipe = recipes[node] { return .recipe(recipe) }
        return .tensor(tensor.detached)
    }

    /// Runs all pullbacks in reverse order, from `output`, whose gradient is `gradient`.
    public func backward(from output: Tensor, gradient: Tensor) -> Gradients {
        let gradients = Gradients(count: nodeCount, parameters: parameters)
        gradients.add(gradient, to: output)
        recipes.removeAll()
        while !isStopped(), let entry = entries.popLast() {
            guard var arrived = gradients.take(entry.node) else { continue }
            entry.pullback(&arrived, gradients)
        }
        return gradients
    }

    private func newNode() -> Node {
        defer { nodeCount += 1 }
        return .value(nodeCount)
    }
}

/// What a training step keeps for its backward pass.
public enum Recompute: String, Sendable, CaseIterable {
    /// Everything is kept.
    case none
    /// Norm outputs and activations are computed again from what stands before them.
    case activations
    /// Only each block's input is kept; its forward runs again.
    case block
}

/// A tensor saved for the backward pass, or the way to compute it again.
public enum Saved {
    case tensor(Tensor)
    case recipe(() -> Tensor)

    public var value: Tensor {
        switch self {
        case .tensor(let tensor): tensor
        case .recipe(let recipe): recipe()
        }
    }
}
