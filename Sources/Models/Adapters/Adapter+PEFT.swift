import QuintetCheckpoints
public import QuintetFiles
public import QuintetTensors

/// PEFT's folder: adapter_config.json and adapter_model.safetensors (or .bin).
extension Adapter {
    static let weightsName = "adapter_model.safetensors"
    static let archiveName = "adapter_model.bin"
    private static let prefix = "base_model.model."
    private static let sampleKey = "quintet_base_sample"

    init(peft path: String, for folder: ModelFolder) throws(FileError) {
        let configPath = Folder.join(path, AdapterConfig.fileName)
        let config = try AdapterConfig(try JSON.read(configPath), path: configPath)
        let file = try Self.weights(in: path)
        let plan = try AdapterPlan(config, folder.family, folder.spec, path: configPath)
        var reading = PEFTReading(file, folder, plan)
        try reading.readModules()
        try reading.readWhole()
        let extras = try reading.readTheRest()
        if case .string(let text)? = file.metadataJSON[Self.sampleKey] { try BaseSample(text, path: file.path).check(folder) }
        self.init(plan, reading.tensors, extras: extras, path: path)
    }

    private static func weights(in path: String) throws(FileError) -> any WeightFile {
        for name in [weightsName, archiveName] where Folder.isFile(Folder.join(path, name)) { return try WeightFolder.file(Folder.join(path, name)) }
        throw FileError("no adapter weights here", path: path, expected: "\(weightsName) or \(archiveName)", found: "neither")
    }

    /// Writes both files; with `base`, a few of its numbers are kept too, so that the adapter is not taken for another model's.
    public func write(into directory: AtomicDirectory, as type: DType = .f32, base: ModelFolder? = nil) throws {
        let items = try self.items(type)
        let metadata = try metadata(base)
        try directory.file(AdapterConfig.fileName) { writer in try writer.write(configuration) }
        try directory.file(Self.weightsName) { writer in
            try SafetensorsWriter.write(items, metadata: metadata, into: &writer, path: directory.final)
        }
    }

    /// The same into a folder that is there or created, the weights last.
    public func write(folder path: String, as type: DType = .f32, base: ModelFolder? = nil) throws {
        let items = try self.items(type)
        let metadata = try metadata(base)
        try Folder.create(path)
        try AtomicFile.write(Folder.join(path, AdapterConfig.fileName), configuration)
        try SafetensorsWriter.write(Folder.join(path, Self.weightsName), items, metadata: metadata)
    }

    private var configuration: String {
        config.json(modules: plan.targetNames, turned: plan.modules.contains { $0.place.isTurned }).serialized(pretty: true) + "\n"
    }

    private func metadata(_ base: ModelFolder?) throws(FileError) -> [(String, String)] {
        guard let base, let module = plan.modules.first else { return [("format", "pt")] }
        return [("format", "pt"), (Self.sampleKey, try BaseSample(base, module).text)]
    }

    private func items(_ type: DType) throws(FileError) -> [SafetensorsWriter.Item] {
        var items: [SafetensorsWriter.Item] = []
        func add(_ name: String, _ tensor: Tensor) {
            items.append(SafetensorsWriter.Item(Self.prefix + name, SafetensorsType(type), tensor.shape.extents) { writer in
                let plain = tensor.contiguous().cast(to: type)
                try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.byteCount))
            })
        }
        for module in plan.modules {
            let (down, up, magnitude) = try parts(of: module)
            add("\(module.name).lora_A.weight", down)
            add("\(module.name).lora_B.weight", module.place.toTheirs(up.cast(to: .f32)))
            if let magnitude {
                let turned = module.place.toTheirs(magnitude.cast(to: .f32).contiguous().reshaped([module.outputs, 1]))
                add("\(module.name).lora_magnitude_vector", turned.reshaped([module.outputs]))
            }
        }
        let map = plan.family.weights(plan.spec)
        for parameter in plan.whole {
            for part in try map.parts(of: parameter.name, parameter.shape) { add(plan.nameOfWhole(part.name), part.cut(try tensor(parameter.name))) }
        }
        for extra in extras { add(extra.name, extra.tensor) }
        return items
    }
}

/// One reading of a PEFT file: what was asked for and found, and what is left.
private struct PEFTReading {
    let file: any WeightFile
    let folder: ModelFolder
    let plan: AdapterPlan
    var tensors: [String: Tensor] = [:]
    private var places: [String: Int] = [:]

    init(_ file: any WeightFile, _ folder: ModelFolder, _ plan: AdapterPlan) {
        self.file = file
        self.folder = folder
        self.plan = plan
        let prefix = "base_model.model."
        for (index, entry) in file.tensors.enumerated() {
            places[entry.name.hasPrefix(prefix) ? String(entry.name.dropFirst(prefix.count)) : entry.name] = index
        }
    }

    private mutating func take(_ name: String, _ shape: [Int]) throws(FileError) -> Tensor {
        guard let index = places.removeValue(forKey: name) else {
            throw FileError(
                "the adapter lacks a tensor", path: file.path, field: name, expected: "\(shape)", found: "nothing",
                hint: nearestHint(name, Array(places.keys).sorted()))
        }
        let entry = file.tensors[index]
        guard entry.shape == shape else {
            throw FileError(
                "the adapter belongs to another base model", path: file.path, field: entry.name, offset: entry.offset, expected: "\(shape)",
                found: "\(entry.shape)", hint: "its configuration names \(plan.config.baseModel ?? "no base")")
        }
        return try file.tensor(at: index)
    }

    mutating func readModules() throws(FileError) {
        var downs: [String: [Tensor]] = [:]
        for module in plan.modules {
            downs[module.downName, default: []].append(try take("\(module.name).lora_A.weight", [module.rank, module.inputs]).cast(to: .f32))
            let up = try take("\(module.name).lora_B.weight", [module.outputs, module.rank])
            tensors[module.upName] = module.place.toOurs(up.cast(to: .f32))
            // PEFT adds its copy of the base where the module is the head.
            if places["\(module.name).base_layer.weight"] != nil {
                _ = try take("\(module.name).base_layer.weight", module.place.isTurned ? [module.inputs, module.outputs] : [module.outputs, module.inputs])
            }
            guard plan.config.form == .dora else { continue }
            // Older files call it a weight of the magnitude's module.
            let older = "\(module.name).lora_magnitude_vector.weight"
            let name = places[older] == nil ? "\(module.name).lora_magnitude_vector" : older
            let magnitude = try take(name, [module.outputs]).cast(to: .f32).contiguous()
            tensors[module.magnitudeName] = module.place.toOurs(magnitude.reshaped([module.outputs, 1])).reshaped([module.outputs])
        }
        for (name, parts) in downs { tensors[name] = parts.count == 1 ? parts[0] : concatenate(parts, axis: 0) }
    }

    mutating func readWhole() throws(FileError) {
        guard !plan.whole.isEmpty else { return }
        let map = plan.family.weights(plan.spec)
        var entries: [(name: String, index: Int)] = []
        for parameter in plan.whole {
            for part in try map.parts(of: parameter.name, parameter.shape) {
                guard let index = places.removeValue(forKey: plan.nameOfWhole(part.name)) ?? places.removeValue(forKey: part.name) else {
                    throw FileError("the adapter lacks a tensor", path: file.path, field: part.name, expected: "\(part.shape)", found: "nothing")
                }
                entries.append((part.name, index))
            }
        }
        let renamed = RenamedFile(file, entries)
        let reader = try WeightReader(map, WeightFolder(file.path, [renamed]), plan.whole.map { ($0.name, $0.shape) })
        for parameter in plan.whole { tensors[parameter.name] = try reader.read(parameter.name).contiguous().cast(to: .f32) }
    }

    /// Heads outside the decoder; anything else has no place.
    mutating func readTheRest() throws(FileError) -> [(name: String, tensor: Tensor)] {
        var extras: [(name: String, tensor: Tensor)] = []
        for (name, index) in places.sorted(by: { Folder.precedes($0.key, $1.key) }) {
            guard plan.outside.contains(where: { name.hasPrefix($0 + ".") }) else {
                throw FileError(
                    "a tensor that this adapter has no place for", path: file.path, field: file.tensors[index].name, offset: file.tensors[index].offset,
                    hint: "its configuration does not name it, or its base is another model")
            }
            extras.append((name, try file.tensor(at: index)))
        }
        return extras
    }
}

/// Some tensors of a file, under other names.
private struct RenamedFile: WeightFile {
    let file: any WeightFile
    let indices: [Int]
    let tensors: [StoredTensor]

    init(_ file: any WeightFile, _ entries: [(name: String, index: Int)]) {
        self.file = file
        indices = entries.map(\.index)
        tensors = entries.map { name, index in
            let entry = file.tensors[index]
            return StoredTensor(name: name, type: entry.type, shape: entry.shape, offset: entry.offset, byteCount: entry.byteCount)
        }
    }

    var path: String { file.path }
    var metadataJSON: JSON { file.metadataJSON }
    func tensor(at index: Int) throws(FileError) -> Tensor { try file.tensor(at: indices[index]) }
    func release(at index: Int) { file.release(at: indices[index]) }
    func checkIntact() throws(FileError) { try file.checkIntact() }
}
