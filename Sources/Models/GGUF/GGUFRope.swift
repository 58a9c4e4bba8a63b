import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

/// Rotary positions as GGUF files say them: `rope.*` keys, and factors a pair in a tensor of their own.
enum GGUFRope {
    /// Keys and the fields of the table that say the same, for errors.
    static let fields = [
        ("rope.freq_base", "rope_theta"), ("rope.dimension_count", "partial_rotary_factor"), ("rope.scaling.factor", "factor"),
        ("rope.scaling.original_context_length", "original_max_position_embeddings"), ("rope.scaling.attn_factor", "attention_factor"),
        ("rope.scaling.yarn_beta_fast", "beta_fast"), ("rope.scaling.yarn_beta_slow", "beta_slow"),
        ("rope_factors_short.weight", "short_factor"), ("rope_factors_long.weight", "long_factor"),
    ].map { GGUFField($0.0, "rope_parameters.\($0.1)", .number) }

    /// Fills `rope_parameters`; the base lies in `rope_theta` already.
    static func read(_ metadata: inout GGUFMetadata, _ config: inout JSONObject, width: Int? = nil) throws(FileError) {
        let head = try headWidth(config, metadata)
        config["head_dim"] = JSON(head)
        var rope: JSONObject = ["rope_theta": config["rope_theta"] ?? .number(10_000), "rope_type": "default"]
        if let turned = try metadata.int("rope.dimension_count"), turned != head {
            guard turned > 0, turned < head else { throw metadata.wrong("rope.dimension_count", "1 to \(head)", JSON(turned)) }
            rope["partial_rotary_factor"] = .number(Double(turned) / Double(head))
            config["partial_rotary_factor"] = rope["partial_rotary_factor"]
        }
        metadata.ignore("rope.scaling.finetuned", "rope.scaling.attn_factor")
        let type = try metadata.text("rope.scaling.type") ?? "none"
        let (scale, older) = (try metadata.number("rope.scaling.factor"), try metadata.number("rope.scale_linear"))
        let factor = scale ?? older
        let original = try metadata.int("rope.scaling.original_context_length")
        if let long = try factors(metadata, "rope_factors_long.weight", head), let short = try factors(metadata, "rope_factors_short.weight", head) {
            rope["rope_type"] = "longrope"
            (rope["long_factor"], rope["short_factor"]) = (.array(long.map { JSON($0) }), .array(short.map { JSON($0) }))
            if let original { config["original_max_position_embeddings"] = JSON(original) }
            if let grown = try metadata.number("rope.scaling.attn_factor") { rope["attention_factor"] = .number(grown) }
        } else if let factors = try factors(metadata, "rope_freqs.weight", head) {
            if let wrong = factors.first(where: { !($0.isFinite && $0 > 0) }) {
                throw FileError("a rotary factor makes no sense", path: metadata.file.path, field: "rope_freqs.weight", expected: "finite numbers above 0", found: "\(wrong)")
            }
            rope = llama3(factors, rope) ?? ownFactors(factors, rope, context: original ?? config["max_position_embeddings"]?.int)
        } else if let factor, factor != 1, type == "linear" || type == "none" {
            (rope["rope_type"], rope["factor"]) = ("linear", .number(factor))
        } else if type == "yarn" {
            (rope["rope_type"], rope["factor"]) = ("yarn", .number(factor ?? 1))
            if let original { rope["original_max_position_embeddings"] = JSON(original) }
            if let fast = try metadata.number("rope.scaling.yarn_beta_fast") { rope["beta_fast"] = .number(fast) }
            if let slow = try metadata.number("rope.scaling.yarn_beta_slow") { rope["beta_slow"] = .number(slow) }
        } else if type != "none", type != "linear", type != "longrope" {
            throw metadata.wrong("rope.scaling.type", "none, linear, yarn or longrope", .string(type))
        }
        config["rope_parameters"] = .object(rope)
        config["rope_theta"] = nil
    }

    private static func headWidth(_ config: JSONObject, _ metadata: GGUFMetadata) throws(FileError) -> Int {
        if let head = config["head_dim"]?.int { return head }
        guard let width = config["hidden_size"]?.int, let heads = config["num_attention_heads"]?.int, heads > 0, width % heads == 0 else {
            throw metadata.wrong("attention.head_count", "a divisor of the width", config["num_attention_heads"] ?? .null)
        }
        return width / heads
    }

    static func factors(_ metadata: GGUFMetadata, _ name: String, _ head: Int) throws(FileError) -> [Float]? {
        guard let stored = metadata.weights.find(name) else { return nil }
        let entry = stored.entry
        guard entry.shape.count == 1, entry.count <= head / 2, entry.type == "F32" else {
            throw FileError(
                "a tensor does not fit the configuration", path: stored.file.path, field: name, offset: entry.offset, expected: "F32 [\(head / 2)]",
                found: "\(entry.type) \(entry.shape)")
        }
        return try stored.tensor().floats
    }

    /// Llama 3's scaling with the usual limits, known by the factors it gives: the file has no other trace of it.
    private static func llama3(_ factors: [Float], _ rope: JSONObject) -> JSONObject? {
        let base = rope["rope_theta"]?.double ?? 10_000
        for factor in [factors.max() ?? 1, 8, 32] {
            for context in [8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16] {
                let scaling = RopeScaling.llama3(factor: Double(factor), lowFrequency: 1, highFrequency: 4, context: context)
                let candidate = self.factors(of: Rotary(base: base, width: 2 * factors.count, scaling: scaling))
                guard zip(candidate, factors).allSatisfy({ abs($0 - $1) <= 1e-4 * max(abs($1), 1) }) else { continue }
                var rope = rope
                (rope["rope_type"], rope["factor"]) = ("llama3", JSON(factor))
                (rope["low_freq_factor"], rope["high_freq_factor"]) = (1.0, 4.0)
                rope["original_max_position_embeddings"] = JSON(context)
                return rope
            }
        }
        return nil
    }

    /// Factors of no known rule, one a pair: LongRoPE whose two lists are the same.
    private static func ownFactors(_ factors: [Float], _ rope: JSONObject, context: Int?) -> JSONObject {
        var rope = rope
        (rope["rope_type"], rope["attention_factor"]) = ("longrope", 1.0)
        (rope["long_factor"], rope["short_factor"]) = (.array(factors.map { JSON($0) }), .array(factors.map { JSON($0) }))
        if let context { rope["original_max_position_embeddings"] = JSON(context) }
        return rope
    }

    /// What each pair's angle is divided by.
    static func factors(of rotary: Rotary) -> [Float] {
        var plain = rotary
        plain.scaling = .none
        return zip(plain.frequencies(length: 1).inverse, rotary.frequencies(length: 1).inverse).map { $0 / $1 }
    }

    /// The keys for a spec's positions; nil where GGUF cannot say them.
    static func settings(_ spec: TransformerSpec) -> [GGUFSetting]? {
        guard case .attention(let attention)? = spec.layers.first?.mixer, case .rotary(let rotary) = attention.positions, rotary.spread == rotary.width else { return [] }
        let settings = [
            GGUFSetting("attention.value_length", .u32(UInt32(attention.headWidth))), GGUFSetting("rope.dimension_count", .u32(UInt32(rotary.width))),
            GGUFSetting("rope.freq_base", .f32(Float(rotary.base))),
        ]
        return scaling(rotary).map { settings + $0 }
    }

    /// The keys and tensors for how angles are stretched; nil where GGUF cannot say it.
    static func scaling(_ rotary: Rotary) -> [GGUFSetting]? {
        var settings: [GGUFSetting] = []
        switch rotary.scaling {
        case .none: break
        case .linear(let factor):
            settings += [GGUFSetting("rope.scaling.type", .string("linear")), GGUFSetting("rope.scaling.factor", .f32(Float(factor)))]
        case .llama3: settings.append(GGUFSetting(tensor: "rope_freqs.weight", factors(of: rotary)))
        case .yarn(let yarn):
            settings += [
                GGUFSetting("rope.scaling.type", .string("yarn")), GGUFSetting("rope.scaling.factor", .f32(Float(yarn.factor))),
                GGUFSetting("rope.scaling.original_context_length", .u32(UInt32(yarn.context))),
                GGUFSetting("rope.scaling.yarn_beta_fast", .f32(Float(yarn.betaFast))),
                GGUFSetting("rope.scaling.yarn_beta_slow", .f32(Float(yarn.betaSlow))),
            ]
        case .longrope(let long) where long.isOneList:
            settings.append(GGUFSetting(tensor: "rope_freqs.weight", long.long.map { Float($0) }))
        case .longrope(let long):
            settings += [
                GGUFSetting("rope.scaling.type", .string("longrope")), GGUFSetting(tensor: "rope_factors_long.weight", long.long.map { Float($0) }),
                GGUFSetting(tensor: "rope_factors_short.weight", long.short.map { Float($0) }),
                GGUFSetting("rope.scaling.original_context_length", .u32(UInt32(long.context))),
                GGUFSetting("rope.scaling.attn_factor", .f32(Float(long.attentionFactor))),
            ]
        case .dynamic: return nil
        }
        return settings
    }
}
