public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetTensors

/// What is in a model folder, counted from its files: for people and, as JSON, for machines.
public struct ModelSummary: Sendable {
    public let json: JSON

    /// `context` is how many tokens the memory is counted for; nil means what the model was made for.
    public init(_ folder: ModelFolder, context: Int? = nil) throws(FileError) {
        let spec = folder.spec
        let context = context ?? spec.context
        var json: JSONObject = [
            "path": .string(folder.path), "family": .string(folder.family.name), "architecture": .string(folder.family.architecture),
            "parameters": JSON(spec.parameterCount), "vocabulary": JSON(spec.vocabulary), "width": JSON(spec.width),
            "layers": JSON(spec.layers.count), "context": JSON(spec.context), "head": .string("\(spec.head.projection)"),
            "blocks": .array(Self.blocks(spec)), "roles": try Self.roles(folder),
            "types": Self.types(folder.weights.files.flatMap(\.tensors)), "bytes": JSON(folder.weights.byteCount),
            "memory": Self.memory(folder, context), "files": .array(folder.weights.files.map { .string($0.path) }),
            "bos_token_id": folder.tokens.bos.map { JSON($0) } ?? .null, "eos_token_ids": .array(folder.tokens.eos.map { JSON($0) }),
        ]
        for (key, value) in Self.origin(folder) { json[key] = value }
        json["warnings"] = .array(folder.warnings.map { .string($0) })
        self.json = .object(json)
    }

    /// The kinds of blocks, in the order of the stack, each with how often it repeats in a row.
    private static func blocks(_ spec: TransformerSpec) -> [JSON] {
        var rows: [(block: BlockSpec, count: Int)] = []
        for block in spec.layers {
            if rows.last?.block == block { rows[rows.count - 1].count += 1 } else { rows.append((block, 1)) }
        }
        return rows.map { row in
            var json: JSONObject = ["count": JSON(row.count)]
            switch row.block.mixer {
            case .attention(let attention):
                json["mixer"] = "attention"
                json["heads"] = JSON(attention.heads)
                json["kv_heads"] = JSON(attention.kvHeads)
                json["head_width"] = JSON(attention.headWidth)
                json["span"] = .string("\(attention.span)")
                json["positions"] = .string(name(attention.positions))
            }
            switch row.block.feedForward {
            case .plain(let hidden, let activation, _): json["feed_forward"] = .string("plain \(activation) \(hidden)")
            case .gated(let hidden, let activation, _): json["feed_forward"] = .string("gated \(activation) \(hidden)")
            }
            json["norm"] = .string(row.block.norm.isRMS ? "rms" : "layer")
            return .object(json)
        }
    }

    private static func name(_ positions: AttentionPositions) -> String {
        switch positions {
        case .none: "none"
        case .rotary(let rotary): "rotary(base \(rotary.base), width \(rotary.width), scaling \(rotary.scaling))"
        case .alibi: "alibi"
        }
    }

    /// Parameters by the part they play: how many, in how many bytes, of which types.
    private static func roles(_ folder: ModelFolder) throws(FileError) -> JSON {
        let reader = try WeightReader(folder.map, folder.weights, folder.spec.parameters.map { (name: $0.name, shape: $0.shape) })
        var rows: [(name: String, parameters: Int, tensors: [StoredTensor])] = ["embeddings", "matrices", "vectors", "head"].map { ($0, 0, []) }
        for parameter in folder.spec.parameters {
            let row =
                switch parameter.role {
                case .embedding: 0
                case .matrix: 1
                case .vector: 2
                case .head: 3
                }
            rows[row].parameters += parameter.count
            rows[row].tensors += reader.stored(parameter.name).map(\.entry)
        }
        var json = JSONObject()
        for row in rows where row.parameters > 0 {
            json[row.name] = [
                "parameters": JSON(row.parameters), "bytes": JSON(row.tensors.reduce(0) { $0 + $1.byteCount }), "types": types(row.tensors),
            ]
        }
        return .object(json)
    }

    /// Tensors and bytes by type.
    static func types(_ tensors: [StoredTensor]) -> JSON {
        var types: [(name: String, tensors: Int, bytes: Int)] = []
        for entry in tensors {
            let row = types.firstIndex { $0.name == entry.type } ?? types.count
            if row == types.count { types.append((entry.type, 0, 0)) }
            types[row].tensors += 1
            types[row].bytes += entry.byteCount
        }
        var json = JSONObject()
        for row in types.sorted(by: { Folder.precedes($0.name, $1.name) }) { json[row.name] = ["tensors": JSON(row.tensors), "bytes": JSON(row.bytes)] }
        return .object(json)
    }

    /// What running it takes: weights as stored, and the cache of keys and values for a text of `context` tokens.
    private static func memory(_ folder: ModelFolder, _ context: Int) -> JSON {
        let perToken = cacheBytes(folder.spec)
        let (cache, overflow) = perToken.multipliedReportingOverflow(by: context)
        return [
            "context": JSON(context), "weights": JSON(folder.weights.byteCount), "cache_per_token": JSON(perToken), "cache": overflow ? .null : JSON(cache),
            "total": overflow ? .null : JSON(folder.weights.byteCount + cache),
        ]
    }

    /// Licence and lineage: the head of a folder's card, or a file's metadata.
    private static func origin(_ folder: ModelFolder) -> JSONObject {
        guard case .gguf(let file, _) = folder.source else {
            let card = CardFacts(folder: folder.path)
            return [
                "license": card.license.map { .string($0) } ?? .null, "base_models": .array(card.bases.map { .string($0) }),
                "datasets": .array(card.datasets.map { .string($0) }),
            ]
        }
        func text(_ key: String) -> JSON { file[key]?.json ?? .null }
        let count = min(max(file["general.base_model.count"]?.json?.int ?? 0, 0), 16)
        return [
            "name": text("general.name"), "license": text("general.license"), "quantized_by": text("general.quantized_by"),
            "source": text("general.source.url"),
            "base_models": .array((0..<count).compactMap { file["general.base_model.\($0).name"]?.json }),
        ]
    }

    private static func cacheBytes(_ spec: TransformerSpec) -> Int {
        spec.layers.reduce(0) { sum, block in
            switch block.mixer {
            case .attention(let attention): sum + 2 * attention.keyWidth * 4
            }
        }
    }
}

/// What is in a weights file.
public struct FileSummary: Sendable {
    public let json: JSON

    /// `tensors: true` lists every tensor.
    public init(_ file: any WeightFile, tensors: Bool = false) {
        var json: JSONObject = [
            "path": .string(file.path), "tensors": JSON(file.tensors.count), "types": ModelSummary.types(file.tensors), "metadata": file.metadataJSON,
        ]
        if tensors {
            json["list"] = .array(
                file.tensors.map { entry in
                    [
                        "name": .string(entry.name), "dtype": .string(entry.type), "shape": .array(entry.shape.map { JSON($0) }),
                        "offset": JSON(entry.offset), "bytes": JSON(entry.byteCount),
                    ]
                })
        }
        self.json = .object(json)
    }
}

extension Norm {
    var isRMS: Bool { if case .rms = self { true } else { false } }
}
