public import QuintetFiles
public import QuintetTensors

/// A trained adapter in memory, in our layouts.
///
/// ```swift
/// let adapter = try Adapter.open("./adapter", for: folder)
/// let model = try folder.adapted(by: [(adapter, 1)]).transformer()
/// ```
public struct Adapter: Sendable {
    public let plan: AdapterPlan
    /// Where it came from.
    public let path: String
    /// Everything that learned, under the names of `plan.parameters`.
    let tensors: [String: Tensor]
    /// What sits on the decoder and is no part of it, under the reference's names: `score.weight`.
    public let extras: [(name: String, tensor: Tensor)]

    public var config: AdapterConfig { plan.config }

    /// Opens a folder as PEFT writes it, or a GGUF file of an adapter.
    /// - Throws: `FileError` where it does not belong to this model, or holds what is not supported.
    public static func open(_ path: String, for folder: ModelFolder) throws(FileError) -> Adapter {
        Folder.isFolder(path) ? try Adapter(peft: path, for: folder) : try Adapter(gguf: path, for: folder)
    }

    /// What a store has learned, copied out of it.
    public init(_ plan: AdapterPlan, _ store: ParameterStore, extras: [(name: String, tensor: Tensor)] = []) {
        var tensors: [String: Tensor] = [:]
        for parameter in plan.parameters { if let index = store.index(of: parameter.name) { tensors[parameter.name] = store.master(index).copied() } }
        self.init(plan, tensors, extras: extras, path: "")
    }

    init(_ plan: AdapterPlan, _ tensors: [String: Tensor], extras: [(name: String, tensor: Tensor)], path: String) {
        self.plan = plan
        self.tensors = tensors
        self.extras = extras
        self.path = path
    }

    /// Puts everything back into a store with the plan's parameters.
    /// - Throws: `FileError` where the store lacks a parameter or holds one of another shape.
    public func load(into store: ParameterStore) throws(FileError) {
        for parameter in plan.parameters {
            let tensor = try tensor(parameter.name)
            guard let index = store.index(of: parameter.name), store.entries[index].shape == tensor.shape else {
                throw FileError("the adapter does not fit what is trained", path: path, field: parameter.name, expected: "shape \(tensor.shape)")
            }
            store.master(index).copyIn(tensor.cast(to: .f32).contiguous())
        }
        store.refreshCopies()
    }

    func tensor(_ name: String) throws(FileError) -> Tensor {
        guard let tensor = tensors[name] else { throw FileError("the adapter lacks a tensor", path: path, field: name) }
        return tensor
    }

    /// A module's own A [rank, inputs], B [outputs, rank] in our order of rows, and magnitudes.
    func parts(of module: AdapterModule) throws(FileError) -> (down: Tensor, up: Tensor, magnitude: Tensor?) {
        (
            try tensor(module.downName).slice(0, module.ranks), try tensor(module.upName),
            plan.config.form == .dora ? try tensor(module.magnitudeName) : nil
        )
    }
}
