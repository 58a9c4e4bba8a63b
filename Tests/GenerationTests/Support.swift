import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import Testing

/// The folder of reference data beside the package, where it is there.
enum Shared {
    static let root: String? = {
        let package = Folder.parent(of: Folder.parent(of: Folder.parent(of: #filePath)))
        let place = package + "/../shared"
        return Folder.isFolder(place + "/parity") ? place : nil
    }()

    static var isThere: Bool { root != nil }
    static let absence: Comment = "the reference data in ../shared is not here"

    /// A folder of the reference data that a test may change.
    static func copy(_ name: String, to folder: String) throws {
        try Folder.create(folder)
        for file in try Folder.names(in: try path(name)) { try AtomicFile.write("\(folder)/\(file)", try readFile("\(try path(name))/\(file)")) }
    }

    static func path(_ name: String) throws -> String { try #require(root) + "/" + name }
}

func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

/// A small model with random weights; with an arithmetic, weights in bf16.
func randomModel(arithmetic: FrozenArithmetic? = nil, _ change: (inout TransformerSpec) -> Void = { _ in }) throws -> Transformer {
    let attention = AttentionSpec(heads: 4, kvHeads: 2, headWidth: 8, positions: .rotary(Rotary(width: 8)))
    let block = BlockSpec(mixer: .attention(attention), feedForward: .gated(hidden: 24, .silu, .none), norm: .rms(epsilon: 1e-5, offset: 0))
    var spec = TransformerSpec(
        vocabulary: 61, width: 32, context: 256, layers: LayerPattern(block, count: 3), finalNorm: .rms(epsilon: 1e-5, offset: 0),
        head: HeadSpec(.own), initialization: Initialization(deviation: 0.3, outputs: .same))
    change(&spec)
    let store = ParameterStore(spec.parameters, matrixDType: arithmetic == nil ? .f32 : .bf16, gradients: false)
    store.initialize(seed: 3)
    return try Transformer(spec, ParameterScope(store, .packed(arithmetic ?? .exact)))
}
