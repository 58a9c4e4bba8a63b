import QuintetFiles
import QuintetLayers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Rotary positions as configuration files spell them: `rope_parameters` (new), or `rope_theta` and `rope_scaling` (old).
enum RopeConfig {
    /// Reads either spelling; `width` is the rotary width and `context` the model's, where a field leaves them open.
    static func read(_ reader: inout ConfigReader, width: Int, context: Int, theta: Double = 10_000) throws(FileError) -> Rotary {
        let outer = try reader.number("rope_theta", default: theta)
        guard let table = reader.value("rope_scaling", "rope_parameters") else { return Rotary(base: outer, width: width) }
        let field = reader.json["rope_scaling"].map { !$0.isNull } == true ? "rope_scaling" : "rope_parameters"
        let original = try reader.optionalInt("original_max_position_embeddings")
        var rope = try ConfigReader(table, path: "\(reader.path) (\(field))")
        let base = try rope.number("rope_theta", default: reader.json["rope_parameters"]?["rope_theta"]?.double ?? outer)
        let type = try rope.text("rope_type", "type", default: "default")
        try rope.only("partial_rotary_factor", 1.0, default: 1.0)
        let scaling = try scaling(type, &rope, context, original)
        rope.ignore("type", "rope_type")
        for key in table.object?.keys ?? [] where !rope.isUsed(key) {
            throw rope.wrong(key, "only the fields of rope type \(type)", table[key]?.serialized() ?? "")
        }
        return Rotary(base: base, width: width, scaling: scaling)
    }

    private static func scaling(_ type: String, _ rope: inout ConfigReader, _ context: Int, _ original: Int?) throws(FileError) -> RopeScaling {
        switch type {
        case "default": return .none
        case "linear": return .linear(factor: try rope.number("factor"))
        case "dynamic":
            rope.ignore("original_max_position_embeddings")
            return .dynamic(factor: try rope.number("factor"), context: context)
        case "llama3":
            return .llama3(
                factor: try rope.number("factor"), lowFrequency: try rope.number("low_freq_factor"),
                highFrequency: try rope.number("high_freq_factor"),
                context: try originalContext(&rope, context, original))
        case "yarn": return .yarn(try yarn(&rope, context, original))
        default: throw rope.wrong("rope_type", "default, linear, dynamic, yarn or llama3", type)
        }
    }

    /// The context before scaling: the outer field wins, as in the reference.
    private static func originalContext(_ rope: inout ConfigReader, _ context: Int, _ outer: Int?) throws(FileError) -> Int {
        let inner = try rope.int("original_max_position_embeddings", default: context)
        return outer ?? inner
    }

    private static func yarn(_ rope: inout ConfigReader, _ context: Int, _ outer: Int?) throws(FileError) -> RopeScaling.Yarn {
        let original = try originalContext(&rope, context, outer)
        let factor = try rope.number("factor", default: Double(context) / Double(max(original, 1)))
        let mscale = try rope.number("mscale", default: 0)
        let mscaleAll = try rope.number("mscale_all_dim", default: 0)
        func grown(_ m: Double) -> Double { factor <= 1 ? 1 : 0.1 * m * log(factor) + 1 }
        let inferred = mscale != 0 && mscaleAll != 0 ? grown(mscale) / grown(mscaleAll) : grown(1)
        let fast = try rope.number("beta_fast", default: 32)
        let slow = try rope.number("beta_slow", default: 1)
        return RopeScaling.Yarn(
            factor: factor, context: original, betaFast: fast == 0 ? 32 : fast, betaSlow: slow == 0 ? 1 : slow,
            attentionFactor: try rope.number("attention_factor", default: inferred),
            range: try rope.flag("truncate", default: true) ? .whole : .exact)
    }

    /// Both spellings, so that old and new readers agree.
    static func write(_ rotary: Rotary, into config: inout JSONObject) {
        var table: JSONObject = ["rope_type": "default", "rope_theta": .number(rotary.base)]
        switch rotary.scaling {
        case .none: break
        case .linear(let factor): (table["rope_type"], table["factor"]) = ("linear", .number(factor))
        case .dynamic(let factor, _): (table["rope_type"], table["factor"]) = ("dynamic", .number(factor))
        case .llama3(let factor, let low, let high, let context):
            (table["rope_type"], table["factor"]) = ("llama3", .number(factor))
            (table["low_freq_factor"], table["high_freq_factor"]) = (.number(low), .number(high))
            table["original_max_position_embeddings"] = JSON(context)
        case .yarn(let yarn):
            (table["rope_type"], table["factor"]) = ("yarn", .number(yarn.factor))
            table["original_max_position_embeddings"] = JSON(yarn.context)
            (table["beta_fast"], table["beta_slow"]) = (.number(yarn.betaFast), .number(yarn.betaSlow))
            (table["attention_factor"], table["truncate"]) = (.number(yarn.attentionFactor), .bool(yarn.range == .whole))
        }
        config["rope_parameters"] = .object(table)
        config["rope_theta"] = .number(rotary.base)
        if rotary.scaling != .none { config["rope_scaling"] = .object(table) }
    }
}
