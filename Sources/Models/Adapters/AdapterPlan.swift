public import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

/// One of the reference's linear maps that an adapter changes.
public struct AdapterModule: Sendable {
    /// Its name there: `model.layers.0.self_attn.q_proj`.
    public let name: String
    public let rank: Int
    /// What B A is multiplied by.
    public let scale: Float
    /// Our matrix that it is in, its rows there, and columns.
    public let parameter: String
    public let place: MatrixPlace
    public let inputs: Int
    /// Rows of all of our matrix.
    let rowsOfMatrix: Int
    /// Its own rows.
    public var outputs: Int { place.rows.count }
    /// Its rows of the A that all modules of the matrix share.
    let ranks: Range<Int>
    /// Its place among the modules of the matrix.
    let index: Int

    private var path: String { String(parameter.dropLast(".weight".count)) }
    /// Our names of the parameters: A [ranks of all modules of the matrix, inputs], B [outputs, rank], magnitudes [outputs].
    public var downName: String { "\(path).lora_A" }
    public var upName: String { "\(path).lora_B.\(index)" }
    public var magnitudeName: String { "\(path).magnitude.\(index)" }
}

/// A configuration and a model: what is changed, and which parameters learn.
///
/// ```swift
/// let plan = try AdapterPlan(AdapterConfig(rank: 16, alpha: 32), for: folder)
/// let store = ParameterStore(plan.parameters)
/// try plan.initialize(store, seed: 42, base: folder)
/// let model = try folder.transformer(training: plan, store)
/// ```
public struct AdapterPlan: Sendable {
    public let config: AdapterConfig
    public let modules: [AdapterModule]
    /// Parameters of the model itself that learn as a whole (saved modules, biases), under our names.
    public let whole: [ParameterSpec]
    /// Saved modules that lie outside the decoder: `score`.
    public let outside: [String]
    let family: Family
    /// The model's, with a head of its own where the adapter needs one.
    let spec: TransformerSpec
    private let baseCount: Int
    private let changed: Set<String>
    private let byParameter: [String: [AdapterModule]]

    /// Heads of other tasks, which sit on a decoder and are no part of it.
    public static let heads: Set<String> = ["score", "classifier", "qa_outputs", "v_head", "regressor"]

    public init(_ config: AdapterConfig, for folder: ModelFolder) throws(FileError) {
        try self.init(config, folder.family, folder.spec, path: folder.path)
    }

    /// - Throws: `FileError` where a pattern is none, or nothing matches: it lists what there is.
    public init(_ config: AdapterConfig, _ family: Family, _ spec: TransformerSpec, path: String = "") throws(FileError) {
        try config.check(path)
        let targets = try AdapterTargets(config, path: path)
        baseCount = spec.parameterCount
        let spec = Self.untied(spec, config, targets, family.weights(spec))
        let candidates = Self.candidates(family.weights(spec), spec)
        var modules: [AdapterModule] = []
        for matrix in candidates {
            var start = 0, index = 0
            for place in matrix.places {
                let name = String(place.name.dropLast(".weight".count))
                guard targets.includes(name, isUsual: matrix.isUsual) else { continue }
                let rank = targets.rank(of: name)
                modules.append(
                    AdapterModule(
                        name: name, rank: rank, scale: Float(config.scaling.factor(alpha: targets.alpha(of: name), rank: rank)),
                        parameter: matrix.name, place: place, inputs: matrix.inputs, rowsOfMatrix: matrix.outputs, ranks: start..<start + rank, index: index))
                (start, index) = (start + rank, index + 1)
            }
        }
        try Self.refuse(targets, family.weights(spec), spec, path)
        guard !modules.isEmpty else { throw Self.nothing(config, candidates, path) }
        self.config = config
        self.family = family
        self.spec = spec
        self.modules = modules
        byParameter = Dictionary(grouping: modules, by: \.parameter)
        changed = Set(modules.map(\.name))
        (whole, outside) = try Self.whole(config, modules, family.weights(spec), spec, path)
    }

    /// PEFT's name of a tensor that is kept whole: what belongs to a changed module lies a step further down there.
    func nameOfWhole(_ theirs: String) -> String {
        guard let end = theirs.lastIndex(of: "."), changed.contains(String(theirs[..<end])) else { return theirs }
        return "\(theirs[..<end]).base_layer\(theirs[end...])"
    }

    /// The modules inside one of our matrices, in the order of their rows.
    func modules(in parameter: String) -> [AdapterModule] { byParameter[parameter] ?? [] }
}

extension AdapterPlan {
    /// One of our matrices and the reference's maps in it.
    private struct Candidate {
        let name: String
        let outputs: Int, inputs: Int
        let places: [MatrixPlace]
        /// Whether "all linear maps" means it.
        let isUsual: Bool
    }

    private static func candidates(_ map: WeightMap, _ spec: TransformerSpec) -> [Candidate] {
        var list: [Candidate] = []
        for parameter in spec.parameters where parameter.shape.count == 2 && parameter.name.hasSuffix(".weight") {
            guard parameter.role != .embedding, parameter.role != .vector, !isGrouped(parameter.name) else { continue }
            let places = map.matrices(in: parameter.name, outputs: parameter.shape[0])
            // What a state space writes is left alone: its reference computes it in one piece with the scan, and PEFT refuses to adapt it.
            let isUsual = parameter.role != .head && !parameter.name.hasSuffix(".router.weight") && !places.contains { $0.name.hasSuffix("mixer.out_proj.weight") }
            list.append(Candidate(name: parameter.name, outputs: parameter.shape[0], inputs: parameter.shape[1], places: places, isUsual: isUsual))
        }
        return list
    }

    /// A head that is the embedding becomes one of its own where either is changed or kept without the other.
    private static func untied(_ spec: TransformerSpec, _ config: AdapterConfig, _ targets: AdapterTargets, _ map: WeightMap) -> TransformerSpec {
        guard spec.head.projection.isTied else { return spec }
        let head = map.matrices(in: "head.weight", outputs: spec.vocabulary).first?.name
        let table = (try? map.parts(of: "embedding.tokens.weight", [spec.vocabulary, spec.tokenWidth]))?.first?.name
        let isChanged = head.map { targets.includes(String($0.dropLast(".weight".count)), isUsual: false) } ?? false
        let isKept = [head, table].compactMap { $0 }.contains { tensor in config.savedModules.contains { module(of: tensor, is: $0) } }
        guard isChanged || isKept else { return spec }
        var own = spec
        own.head.projection = HeadProjection(tied: false, bias: spec.head.projection.hasBias)
        return own
    }

    /// - Throws: `FileError` where a target means what adapters cannot change here: embeddings, the matrices of experts.
    private static func refuse(_ targets: AdapterTargets, _ map: WeightMap, _ spec: TransformerSpec, _ path: String) throws(FileError) {
        for parameter in spec.parameters where parameter.role == .embedding || isGrouped(parameter.name) {
            for part in (try? map.parts(of: parameter.name, parameter.shape)) ?? [] {
                let module = String(part.name.dropLast(part.name.hasSuffix(".weight") ? ".weight".count : 0))
                if targets.includes(module, isUsual: false) {
                    throw FileError(
                        "adapters of \(parameter.role == .embedding ? "embeddings" : "grouped matrices") are not supported", path: path,
                        field: "target_modules", expected: "linear maps", found: module, hint: "leave it out, or save it whole (modules_to_save)")
                }
            }
        }
    }

    /// Products that run group by group take no adapters.
    private static func isGrouped(_ name: String) -> Bool { name.contains(".experts.") || name.hasSuffix(".keyValueUp.weight") }

    private static func nothing(_ config: AdapterConfig, _ candidates: [Candidate], _ path: String) -> FileError {
        var ends: [String] = []
        for place in candidates.flatMap(\.places) {
            let end = place.name.dropLast(".weight".count).split(separator: ".").last.map(String.init) ?? place.name
            if !ends.contains(end) { ends.append(end) }
        }
        let wanted =
            switch config.targets {
            case .allLinear: "all linear maps"
            case .names(let names): names.joined(separator: ", ")
            case .pattern(let regex): regex
            }
        let first = candidates.first?.places.first.map { String($0.name.dropLast(".weight".count)) }
        return FileError(
            "no module of this model is a target of the adapter", path: path, field: "target_modules", expected: "some of \(ends.joined(separator: ", "))",
            found: wanted, hint: first.map { "a whole name here is \($0)" })
    }

    /// What is kept as a whole: saved modules and biases.
    private static func whole(
        _ config: AdapterConfig, _ modules: [AdapterModule], _ map: WeightMap, _ spec: TransformerSpec, _ path: String
    ) throws(FileError) -> ([ParameterSpec], [String]) {
        var (found, whole): (Set<String>, [ParameterSpec]) = ([], [])
        let adapted = Dictionary(grouping: modules, by: \.parameter).mapValues { $0.reduce(0) { $0 + $1.outputs } }
        for parameter in spec.parameters {
            var isWhole = false
            if !config.savedModules.isEmpty, let parts = try? map.parts(of: parameter.name, parameter.shape) {
                let saved = parts.map { part in config.savedModules.first { module(of: part.name, is: $0) } }
                for part in parts { found.formUnion(config.savedModules.filter { module(of: part.name, is: $0) }) }
                isWhole = saved.contains { $0 != nil }
                if isWhole, saved.contains(where: { $0 == nil }) {
                    throw FileError(
                        "a part of a fused matrix cannot be saved by itself", path: path, field: "modules_to_save",
                        expected: "all of \(parts.map(\.name).joined(separator: ", "))", found: saved.compactMap { $0 }.joined(separator: ", "))
                }
            }
            if parameter.name.hasSuffix(".bias"), try takesBias(config, parameter, adapted, path) { isWhole = true }
            if isWhole { whole.append(parameter) }
        }
        let outside = config.savedModules.filter { !found.contains($0) }
        for name in outside where !heads.contains(name) {
            throw FileError(
                "no module of this name", path: path, field: "modules_to_save",
                expected: "modules of the model, or a head: \(heads.sorted().joined(separator: ", "))", found: name)
        }
        return (whole, outside)
    }

    private static func takesBias(
        _ config: AdapterConfig, _ parameter: ParameterSpec, _ adapted: [String: Int], _ path: String
    ) throws(FileError) -> Bool {
        switch config.bias {
        case .none: return false
        case .all: return true
        case .adapted:
            guard let rows = adapted[parameter.name.dropLast("bias".count) + "weight"] else { return false }
            if rows == parameter.count { return true }
            throw FileError(
                "the bias of a part of a fused matrix cannot learn by itself", path: path, field: "bias", expected: "none, or all parts as targets",
                found: "\(rows) of the \(parameter.count) rows of \(parameter.name)")
        }
    }

    /// PEFT takes any name that ends so (`norm` is `input_layernorm`, too), and with a module all that is in it.
    private static func module(of tensor: String, is name: String) -> Bool {
        var path = tensor[...]
        while let dot = path.lastIndex(of: ".") {
            path = path[..<dot]
            if path.hasSuffix(name) { return true }
        }
        return false
    }
}

extension AdapterPlan {
    /// What learns, in the order of the model.
    public var parameters: [ParameterSpec] {
        var list: [ParameterSpec] = []
        for (place, module) in modules.enumerated() where place == 0 || modules[place - 1].parameter != module.parameter {
            let own = modules(in: module.parameter)
            let ranks = own.map(\.rank), bound = 1 / Float(module.inputs).squareRoot()
            list.append(
                ParameterSpec(
                    name: module.downName, shape: [ranks.reduce(0, +), module.inputs], role: .matrix(rows: ranks), start: .uniform(bound: bound)))
            list += own.map { ParameterSpec(name: $0.upName, shape: [$0.outputs, $0.rank], role: .matrix(rows: [$0.outputs]), start: .fill(0)) }
            if config.form == .dora {
                list += own.map { ParameterSpec(name: $0.magnitudeName, shape: [$0.outputs], role: .vector, start: .fill(1)) }
            }
        }
        return list + whole
    }

    /// Numbers that learn.
    public var trainableCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Numbers of the model and of what learns beside it.
    public var totalCount: Int { baseCount + trainableCount }

    /// The line that people expect to see.
    public var summary: String { Self.summary(trainable: trainableCount, of: totalCount) }

    public static func summary(trainable: Int, of total: Int) -> String {
        let share = (Double(trainable) / Double(max(total, 1)) * 1e6).rounded() / 1e4
        let digits = String(Int((share - share.rounded(.down)) * 1e4 + 0.5) + 10_000).dropFirst()
        return "trainable params: \(grouped(trainable)) || all params: \(grouped(total)) || trainable%: \(Int(share)).\(digits)"
    }

    private static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return String(digits.enumerated().flatMap { $0 > 0 && (digits.count - $0) % 3 == 0 ? [",", $1] : [$1] })
    }

    /// Draws A as PEFT does (uniform, Kaiming with a = sqrt 5), sets B to zero; magnitudes and what is kept whole start as the base has them.
    ///
    /// The result depends on `seed` and the parameters' places only.
    public func initialize(_ store: ParameterStore, seed: UInt64, base: ModelFolder) throws {
        store.initialize(seed: seed)
        let reader = try base.fitting(spec).weightReader()
        func set(_ name: String, _ value: Tensor) { if let index = store.index(of: name) { store.master(index).copyIn(value.contiguous()) } }
        for parameter in whole { set(parameter.name, try reader.read(parameter.name).contiguous().cast(to: .f32)) }
        if config.form == .dora {
            for (parameter, modules) in byParameter {
                let squares = StoredMatrix(try reader.parts(parameter)).rowSquares
                for module in modules {
                    set(module.magnitudeName, Tensor(squares.slice(0, module.place.rows).floats.map { $0.squareRoot() }, [module.outputs]))
                }
            }
        }
        store.refreshCopies()
    }

    /// The names of the targets as short as they can be and still mean the same modules.
    var targetNames: [String] {
        var ends: [String] = []
        for module in modules {
            let end = module.name.split(separator: ".").last.map(String.init) ?? module.name
            if !ends.contains(end) { ends.append(end) }
        }
        var short = config
        short.targets = .names(ends)
        let same = (try? AdapterPlan(short, family, spec))?.modules.map(\.name) == modules.map(\.name)
        return same ? ends : modules.map(\.name)
    }
}
