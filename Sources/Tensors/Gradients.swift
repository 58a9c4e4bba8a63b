/// The gradients of one backward pass: values' by node, parameters' in their store.
public final class Gradients {
    private var values: [Tensor?]
    private let parameters: ParameterStore?

    init(count: Int, parameters: ParameterStore?) {
        values = Array(repeating: nil, count: count)
        self.parameters = parameters
    }

    /// The gradient that arrived at a tensor that nothing consumed, such as an input's.
    public subscript(tensor: Tensor) -> Tensor? {
        switch tensor.node {
        case .constant: nil
        case .value(let node): node < values.count ? values[node] : nil
        case .parameter(let index): parameters?.gradient(index)
        }
    }

    /// Whether a gradient flows into `tensor`.
    public func wants(_ tensor: Tensor) -> Bool {
        switch tensor.node {
        case .constant: false
        case .value: true
        case .parameter: parameters != nil
        }
    }

    /// Where to write the gradient of `tensor`, contiguous, and whether to add to what is there.
    public func destination(for tensor: Tensor) -> (gradient: Tensor, adds: Bool) {
        switch tensor.node {
        case .constant:
            return (Tensor(uninitialized: tensor.shape), false)
        case .parameter(let index):
            guard let parameters else { return (Tensor(uninitialized: tensor.shape), false) }
            return parameters.gradientDestination(index)
        case .value(let node):
            guard var present = values[node] else {
                let fresh = Tensor(uninitialized: tensor.shape)
                values[node] = fresh
                return (fresh, false)
            }
            values[node] = nil
            present.makeUnique()
            values[node] = present
            return (present, true)
        }
    }

    /// Adds a whole gradient; the first one is kept as it is.
    public func add(_ gradient: Tensor, to tensor: Tensor) {
        guard wants(tensor) else { return }
        if case .value(let node) = tensor.node, values[node] == nil {
            values[node] = gradient.detached
            return
        }
        let (target, adds) = destination(for: tensor)
        if adds { target.addInPlace(gradient) } else { target.copyIn(gradient) }
    }

    func take(_ node: Int) -> Tensor? {
        defer { values[node] = nil }
        return values[node]
    }
}

extension Tensor {
    /// Copies the bytes unless nobody else holds them (a residual path shares its gradient), so that they may be overwritten.
    mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&storage) { self = copied() }
    }
}
