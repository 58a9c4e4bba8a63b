public import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
import QuintetTensors

/// What is in a model folder, counted from its files: for people and, as JSON, for machines.
public struct ModelSummary: Sendable {
    public let json: JSON

    public init(_ folder: ModelFolder) {
        let spec = folder.spec
        var json: JSONObject = [
            "path": .string(folder.path), "family": .string(folder.family.name), "architecture": .string(folder.family.architecture),
            "parameters": JSON(spec.parameterCount), "vocabulary": JSON(spec.vocabulary), "width": JSON(spec.width),
            "layers": JSON(spec.layers.count), "context": JSON(spec.context), "head": .string("\(spec.head.projection)"), "embedding": Self.embedding(spec),
            "blocks": .array(Self.blocks(spec)), "roles": Self.roles(folder), "files": Self.files(folder),
            "bytes": JSON(folder.weights.byteCount), "cache_bytes_per_token": JSON(Self.cacheBytes(spec)),
            "cache_bytes_at_context": JSON(Self.cacheBytes(spec) * spec.context),
            "bos_token_id": folder.tokens.bos.map { JSON($0) } ?? .null, "eos_token_ids": .array(folder.tokens.eos.map { JSON($0) }),
        ]
        let names = (try? Folder.names(in: folder.path)) ?? []
        json["tokenizer"] = names.first { ["tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"].contains($0) }.map { .string($0) } ?? .null
        json["chat_template"] = .bool(Self.hasTemplate(folder.path, names))
        json["warnings"] = .array(folder.warnings.map { .string($0) })
        self.json = .object(json)
    }

    /// How ids become hidden states, and hidden states logits, where that is more than a table.
    private static func embedding(_ spec: TransformerSpec) -> JSON {
        var json: JSONObject = ["positions": .string("\(spec.embedding.positions)")]
        if spec.embedding.scale != 1 { json["scale"] = JSON(spec.embedding.scale) }
        if let width = spec.embedding.tokenWidth { json["token_width"] = JSON(width) }
        if let norm = spec.embedding.norm { json["norm"] = .string(norm.isRMS ? "rms" : "layer") }
        if spec.head.scale != 1 { json["logit_scale"] = JSON(spec.head.scale) }
        if let cap = spec.head.softcap { json["logit_softcap"] = JSON(cap) }
        return .object(json)
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
                for (key, value) in details(attention) { json[key] = value }
            }
            switch row.block.feedForward {
            case .plain(let hidden, let activation, _): json["feed_forward"] = .string("plain \(activation) \(hidden)")
            case .gated(let hidden, let activation, _): json["feed_forward"] = .string("gated \(activation) \(hidden)")
            }
            json["norm"] = .string(row.block.norm.isRMS ? "rms" : "layer")
            json["residual"] = .string("\(row.block.residual)")
            if row.block.branchScale != 1 { json["branch_scale"] = JSON(row.block.branchScale) }
            return .object(json)
        }
    }

    /// What is not as in a plain decoder.
    private static func details(_ attention: AttentionSpec) -> JSONObject {
        var json = JSONObject()
        if attention.scale != .inverseSquareRoot { json["scale"] = .string("\(attention.scale)") }
        if attention.biases != .none { json["biases"] = .string("\(attention.biases)") }
        if let norm = attention.queryKeyNorm.norm {
            let kind =
                switch attention.queryKeyNorm {
                case .none, .heads: "heads"
                case .headsOwn: "heads, weights of their own"
                case .whole: "all heads together"
                }
            json["query_key_norm"] = .string("\(norm.isRMS ? "rms" : "layer") of \(kind)")
        }
        if let clip = attention.clip { json["clip"] = JSON(clip) }
        if let cap = attention.softcap { json["softcap"] = JSON(cap) }
        if attention.sinks != .none { json["sinks"] = .string("\(attention.sinks)") }
        return json
    }

    private static func name(_ positions: AttentionPositions) -> String {
        switch positions {
        case .none: "none"
        case .rotary(let rotary): "rotary(base \(rotary.base), width \(rotary.width), scaling \(rotary.scaling))"
        case .alibi(let maxBias, let factor, _): "alibi(max bias \(maxBias), factor \(factor))"
        }
    }

    /// Parameters by the part they play.
    private static func roles(_ folder: ModelFolder) -> JSON {
        var counts: [String: Int] = [:]
        for parameter in folder.spec.parameters {
            let role =
                switch parameter.role {
                case .matrix: "matrices"
                case .embedding: "embeddings"
                case .head: "head"
                case .vector: "vectors"
                }
            counts[role, default: 0] += parameter.count
        }
        var json = JSONObject()
        for role in ["embeddings", "matrices", "vectors", "head"] { if let count = counts[role] { json[role] = JSON(count) } }
        return .object(json)
    }

    private static func files(_ folder: ModelFolder) -> JSON { .array(folder.weights.files.map { FileSummary($0).json }) }

    private static func cacheBytes(_ spec: TransformerSpec) -> Int {
        spec.layers.reduce(0) { sum, block in
            switch block.mixer {
            case .attention(let attention): sum + 2 * attention.keyWidth * 4
            }
        }
    }

    private static func hasTemplate(_ path: String, _ names: [String]) -> Bool {
        if names.contains("chat_template.jinja") { return true }
        guard names.contains("tokenizer_config.json") else { return false }
        return (try? JSON.read(Folder.join(path, "tokenizer_config.json")))?["chat_template"].map { !$0.isNull } ?? false
    }
}

/// What is in a safetensors file.
public struct FileSummary: Sendable {
    public let json: JSON

    /// `tensors: true` lists every tensor.
    public init(_ file: SafetensorsFile, tensors: Bool = false) {
        var types: [SafetensorsType: (tensors: Int, bytes: Int)] = [:]
        for entry in file.entries {
            types[entry.type, default: (0, 0)].tensors += 1
            types[entry.type, default: (0, 0)].bytes += entry.range.count
        }
        var byType = JSONObject()
        for type in SafetensorsType.allCases {
            if let row = types[type] { byType[type.rawValue] = ["tensors": JSON(row.tensors), "bytes": JSON(row.bytes)] }
        }
        var metadata = JSONObject()
        for (key, value) in file.metadata { metadata[key] = .string(value) }
        var json: JSONObject = [
            "path": .string(file.path), "tensors": JSON(file.entries.count), "types": .object(byType), "metadata": .object(metadata),
        ]
        if tensors {
            json["list"] = .array(
                file.entries.map { entry in
                    [
                        "name": .string(entry.name), "dtype": .string(entry.type.rawValue), "shape": .array(entry.shape.map { JSON($0) }),
                        "offset": JSON(entry.range.lowerBound), "bytes": JSON(entry.range.count),
                    ]
                })
        }
        self.json = .object(json)
    }
}

extension Norm {
    var isRMS: Bool { if case .rms = self { true } else { false } }
}
