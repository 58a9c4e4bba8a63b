import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

/// Adapters on a model, each with how much it counts: added to products as the model runs, or to the weights themselves.
struct AppliedAdapters: Sendable, WeightAdapters {
    let list: [(adapter: Adapter, weight: Float)]

    /// - Throws: `FileError` where two of them cannot stand together.
    init(_ list: [(adapter: Adapter, weight: Float)]) throws(FileError) {
        self.list = list
        var whole: Set<String> = []
        for (adapter, weight) in list {
            for parameter in adapter.plan.whole {
                if weight != 1 {
                    throw FileError(
                        "an adapter that keeps a module whole cannot count in part", path: adapter.path, field: parameter.name, expected: "the weight 1",
                        found: "\(weight)")
                }
                guard whole.insert(parameter.name).inserted else {
                    throw FileError("two adapters keep the same module whole", path: adapter.path, field: parameter.name)
                }
            }
        }
    }

    var count: Int { list.count }

    /// A parameter that an adapter keeps as a whole.
    func whole(_ name: String) -> Tensor? { list.lazy.compactMap { $0.adapter.plan.whole.contains { $0.name == name } ? $0.adapter.tensors[name] : nil }.first }

    /// Whether an adapter adds something to this matrix.
    func touches(_ name: String) -> Bool { list.contains { !$0.adapter.plan.modules(in: name).isEmpty } }

    func change(of name: String, outputs: Int, inputs: Int) throws -> LowRank? {
        var changes: [LowRank] = []
        var stretched: [Range<Int>] = []
        for (index, (adapter, weight)) in list.enumerated() {
            let modules = adapter.plan.modules(in: name)
            guard let first = modules.first else { continue }
            let parts = try modules.map { module in
                let own = try adapter.parts(of: module)
                return LowRank.Part(
                    rows: module.place.rows, ranks: module.ranks, up: own.up, scale: module.scale * weight, magnitude: own.magnitude, adapter: index)
            }
            if changes.contains(where: { $0.parts.contains { part in (part.magnitude != nil) != (parts[0].magnitude != nil) } || !stretched.isEmpty }) {
                throw Self.standsAlone(adapter, first.name)
            }
            stretched += parts.filter { $0.magnitude != nil }.map(\.rows)
            changes.append(LowRank(down: try adapter.tensor(first.downName), parts: parts))
        }
        return LowRank.joined(changes)
    }

    /// The matrix [outputs, inputs] f32 with what the adapters add to it, one after the other.
    func merged(_ name: String, into matrix: Tensor) throws(FileError) -> Tensor {
        var (result, isStretched) = (matrix, false)
        for (adapter, weight) in list {
            let isFirst = result.storage === matrix.storage
            for module in adapter.plan.modules(in: name) {
                if result.storage === matrix.storage { result = matrix.copied() }
                let own = try adapter.parts(of: module)
                if !isFirst, isStretched || own.magnitude != nil { throw Self.standsAlone(adapter, module.name) }
                isStretched = isStretched || own.magnitude != nil
                let rows = result.slice(0, module.place.rows)
                let step = matmul(scale(own.up, by: module.scale * weight), .dense(own.down.contiguous().transposed))
                rows.copyIn(Self.stretched(add(rows, step), to: own.magnitude))
            }
        }
        return result
    }

    /// With a magnitude it counts which of two comes first, so nobody's order is taken.
    private static func standsAlone(_ adapter: Adapter, _ module: String) -> FileError {
        FileError(
            "an adapter with magnitudes (DoRA) stands alone", path: adapter.path, field: module,
            hint: "merge the first one into the model (quintet convert --merge) and apply the other to the result")
    }

    /// Each row at its magnitude's length.
    private static func stretched(_ rows: Tensor, to magnitude: Tensor?) -> Tensor {
        guard let magnitude else { return rows }
        let lengths = reduce(rows, .sumOfSquares).floats.map { max($0.squareRoot(), .leastNormalMagnitude) }
        let factors = zip(magnitude.floats, lengths).map { $0 / $1 }
        let turned = multiply(rows.transposed.contiguous(), Tensor(factors, [1, factors.count]))
        return turned.transposed.contiguous()
    }

    /// - Throws: `FileError` where the weights cannot take what an adapter adds.
    func checkMerging() throws(FileError) {
        for (adapter, _) in list where !adapter.plan.outside.isEmpty {
            throw FileError(
                "the adapter brings a head that a language model has no place for", path: adapter.path, field: "modules_to_save",
                found: adapter.plan.outside.joined(separator: ", "))
        }
    }
}

/// A model's parameters with those that adapters keep whole in place of their own.
struct OverlaidParameters: ParameterSource {
    let base: any ParameterSource
    let whole: @Sendable (String) -> Tensor?

    func parameter(_ name: String, _ shape: Shape) throws -> Tensor {
        guard let tensor = whole(name) else { return try base.parameter(name, shape) }
        guard tensor.shape == shape else { throw ParameterError(name: name, expected: "shape \(shape)", found: "shape \(tensor.shape)") }
        return tensor
    }

    func parts(_ name: String, _ shape: Shape) throws -> [Tensor] {
        whole(name) == nil ? try base.parts(name, shape) : [try parameter(name, shape)]
    }
}

/// What an adapter in training adds, over the parameters that learn.
struct LearningAdapter: WeightAdapters {
    let plan: AdapterPlan
    let store: ParameterStore

    func change(of name: String, outputs: Int, inputs: Int) throws -> LowRank? {
        let modules = plan.modules(in: name)
        guard let first = modules.first else { return nil }
        let parts = try modules.map { module in
            LowRank.Part(
                rows: module.place.rows, ranks: module.ranks, up: try store.parameter(module.upName, [module.outputs, module.rank]), scale: module.scale,
                magnitude: plan.config.form == .dora ? try store.parameter(module.magnitudeName, [module.outputs]) : nil)
        }
        let down = try store.parameter(first.downName, [modules.reduce(0) { $0 + $1.rank }, inputs])
        let stream = plan.spec.parameters.firstIndex { $0.name == name } ?? plan.spec.parameters.count
        return LowRank(down: down, parts: parts, dropout: plan.config.dropout, stream: Self.streams + UInt64(stream))
    }

    /// Past the streams of the model's own dropout.
    private static let streams: UInt64 = 1 << 33
}
