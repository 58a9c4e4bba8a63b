import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
public import QuintetTensors

/// llama.cpp's files of adapters: `NAME.lora_a` [rank, inputs] and `NAME.lora_b` [outputs, rank] beside each tensor's name, one alpha for all.
extension Adapter {
    init(gguf path: String, for folder: ModelFolder) throws(FileError) {
        let file = try GGUFFile.open(path)
        for (key, wanted) in [("general.type", "adapter"), ("adapter.type", "lora")] where file[key]?.json?.string != wanted {
            throw FileError(
                "not a file of an adapter", path: path, field: key, offset: file.pair(key)?.offset, expected: wanted,
                found: file[key]?.json?.serialized() ?? "nothing")
        }
        let layout = try Self.layout(file, folder)
        guard let alpha = file["adapter.lora.alpha"]?.json?.double, alpha.isFinite else {
            throw FileError("the adapter has no scale", path: path, field: "adapter.lora.alpha", expected: "a number", found: "nothing")
        }
        let found = try Self.pairs(file)
        let (config, places) = try Self.config(found.map { ($0.key, $0.value) }, alpha, folder, layout, path)
        let plan = try AdapterPlan(config, for: folder)
        var tensors: [String: Tensor] = [:], downs: [String: [Tensor]] = [:]
        for module in plan.modules {
            guard let place = places[module.name], let pair = found[place.name] else {
                throw FileError("the adapter lacks a module", path: path, field: module.name)
            }
            downs[module.downName, default: []].append(try file.read(pair.down, [module.rank, module.inputs]))
            tensors[module.upName] = place.toOurs(try file.read(pair.up, [module.outputs, module.rank]))
        }
        for (name, parts) in downs { tensors[name] = parts.count == 1 ? parts[0] : concatenate(parts, axis: 0) }
        self.init(plan, tensors, extras: [], path: path)
    }

    private typealias Pair = (down: Int, up: Int, rank: Int)

    private static func layout(_ file: GGUFFile, _ folder: ModelFolder) throws(FileError) -> WeightMap {
        let architecture = try GGUFArchitectures.of(file)
        guard architecture.families.contains(folder.family.name) else {
            throw FileError(
                "the adapter belongs to another kind of model", path: file.path, field: "general.architecture",
                offset: file.pair("general.architecture")?.offset, expected: GGUFArchitectures.holding(folder.family)?.name, found: architecture.name)
        }
        return architecture.layout.weights(folder.spec)
    }

    /// Both tensors of every changed one, by its name.
    private static func pairs(_ file: GGUFFile) throws(FileError) -> [String: Pair] {
        var downs: [String: Int] = [:], ups: [String: Int] = [:]
        for (index, entry) in file.tensors.enumerated() {
            if entry.name.hasSuffix(".lora_a") {
                downs[String(entry.name.dropLast(7))] = index
            } else if entry.name.hasSuffix(".lora_b") {
                ups[String(entry.name.dropLast(7))] = index
            } else {
                throw FileError(
                    "a tensor that an adapter has no place for", path: file.path, field: entry.name, offset: entry.offset,
                    expected: "names that end in .lora_a or .lora_b")
            }
        }
        var pairs: [String: Pair] = [:]
        for (name, down) in downs {
            guard let up = ups.removeValue(forKey: name), file.tensors[down].shape.count == 2 else {
                throw FileError("half a pair of tensors", path: file.path, field: name, expected: "\(name).lora_a and \(name).lora_b")
            }
            pairs[name] = (down, up, file.tensors[down].shape[0])
        }
        if let left = ups.keys.min() { throw FileError("half a pair of tensors", path: file.path, field: left, expected: "\(left).lora_a too") }
        return pairs
    }

    /// The configuration that means the changed modules, and where each of them lies in this format.
    private static func config(
        _ pairs: [(name: String, pair: Pair)], _ alpha: Double, _ folder: ModelFolder, _ layout: WeightMap, _ path: String
    ) throws(FileError) -> (AdapterConfig, [String: MatrixPlace]) {
        var left = Dictionary(pairs.map { ($0.name, $0.pair) }, uniquingKeysWith: { first, _ in first })
        var names: [(name: String, rank: Int)] = [], places: [String: MatrixPlace] = [:]
        let reference = folder.family.weights(folder.spec)
        for parameter in folder.spec.parameters where parameter.shape.count == 2 {
            for place in layout.matrices(in: parameter.name, outputs: parameter.shape[0]) {
                guard let pair = left.removeValue(forKey: place.name) else { continue }
                let theirs = reference.matrices(in: parameter.name, outputs: parameter.shape[0]).first { $0.rows == place.rows }
                guard let theirs else {
                    throw FileError("the reference has no module for this tensor", path: path, field: place.name)
                }
                let name = String(theirs.name.dropLast(".weight".count))
                names.append((name, pair.rank))
                places[name] = place
            }
        }
        if let name = left.keys.min() {
            throw FileError(
                "the adapter belongs to another base model", path: path, field: name, expected: "names of the base's matrices",
                hint: nearestHint(name, folder.spec.parameters.flatMap { layout.matrices(in: $0.name, outputs: $0.shape[0]).map(\.name) }))
        }
        guard let rank = names.first?.rank else { throw FileError("the adapter changes nothing", path: path) }
        var config = AdapterConfig(rank: rank, alpha: alpha, targets: .names(names.map(\.name)))
        config.rankPattern = names.filter { $0.rank != rank }.map { AdapterConfig.Pattern(escaped($0.name), $0.rank) }
        return (config, places)
    }

    private static func escaped(_ name: String) -> String { name.split(separator: ".", omittingEmptySubsequences: false).joined(separator: #"\."#) }

    /// Writes the adapter for llama.cpp.
    /// - Throws: `FileError` where the format cannot say it: magnitudes, whole modules, an architecture it does not have.
    public func writeGGUF(_ path: String, base folder: ModelFolder, as type: DType = .f32) throws {
        guard let architecture = GGUFArchitectures.holding(folder.family) else {
            throw FileError(
                "GGUF files cannot hold models of this family yet", path: folder.path, field: "model_type",
                expected: GGUFArchitectures.all.flatMap(\.families).joined(separator: ", "), found: folder.family.name)
        }
        guard config.form == .lora, plan.whole.isEmpty, extras.isEmpty else {
            throw FileError(
                "a GGUF file holds the low-rank part of an adapter alone", path: path, found: config.form == .dora ? "magnitudes (DoRA)" : "whole modules",
                hint: "merge the adapter into the model (quintet convert --merge)")
        }
        let layout = architecture.layout.weights(folder.spec)
        // The format has one alpha; a module that counts otherwise has the difference in its B.
        let alpha = plan.modules.first.map { $0.scale * Float($0.rank) } ?? 1
        var items: [GGUFWriter.Item] = []
        for module in plan.modules {
            let place = layout.matrices(in: module.parameter, outputs: module.rowsOfMatrix).first { $0.rows == module.place.rows }
            guard let place else { throw FileError("the format has no tensor for this module", path: path, field: module.name) }
            let own = try parts(of: module)
            let factor = module.scale * Float(module.rank) / alpha
            try items.append(Self.item("\(place.name).lora_a", own.down, type))
            try items.append(Self.item("\(place.name).lora_b", place.toTheirs(factor == 1 ? own.up : scale(own.up, by: factor)), type))
        }
        try GGUFWriter.write(
            path,
            pairs: [
                ("general.architecture", .string(architecture.name)), ("general.type", .string("adapter")), ("adapter.type", .string("lora")),
                ("adapter.lora.alpha", .f32(alpha)),
            ], items)
    }

    private static func item(_ name: String, _ tensor: Tensor, _ type: DType) throws(FileError) -> GGUFWriter.Item {
        let stored: GGUFType = type == .f16 ? .f16 : .f32
        let plain = tensor.contiguous().cast(to: type == .f16 ? .f16 : .f32)
        return GGUFWriter.Item(name, stored, plain.shape.extents) { writer in
            try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.byteCount))
        }
    }
}

extension GGUFFile {
    /// A tensor of that shape as f32.
    fileprivate func read(_ index: Int, _ shape: [Int]) throws(FileError) -> Tensor {
        let entry = tensors[index]
        guard entry.shape == shape else {
            throw FileError(
                "the adapter belongs to another base model", path: path, field: entry.name, offset: entry.offset, expected: "\(shape)", found: "\(entry.shape)")
        }
        return try tensor(at: index).cast(to: .f32).contiguous()
    }
}
