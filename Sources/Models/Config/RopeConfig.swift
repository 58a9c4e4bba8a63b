import QuintetFiles
import QuintetLayers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a family leaves open about rotary positions.
struct RopeRules {
    var theta = 10_000.0
    /// Fields for the base outside the table, first to last.
    var thetaKeys = ["rope_theta"]
    /// The share of a head that turns where no field says it; nil where the family turns whole heads.
    var share: Double?
    var shareKeys = ["partial_rotary_factor"]
    /// Whether an odd share of a head is rounded up; else it is refused.
    var roundsUp = false
    /// Other names of LongRoPE.
    var longropeNames: Set<String> = []
    var crossing = RopeScaling.LongRope.Crossing.keep
    /// The context before scaling where no field outside the table says it.
    var original: Int?
}

/// Rotary positions as configuration files spell them: `rope_parameters` (new), or `rope_theta` and `rope_scaling` (old).
enum RopeConfig {
    /// Reads either spelling; `context` is the model's, where a field leaves the one before scaling open.
    static func read(_ reader: inout ConfigReader, headWidth: Int, context: Int, _ rules: RopeRules = RopeRules()) throws(FileError) -> Rotary {
        let outer = try reader.number(under: rules.thetaKeys, default: rules.theta)
        let outerShare = rules.share == nil ? nil : try reader.number(under: rules.shareKeys, default: rules.share)
        if rules.share == nil { try reader.only("partial_rotary_factor", 1.0, default: 1.0) }
        let original = try reader.optionalInt("original_max_position_embeddings") ?? rules.original
        guard let table = reader.value("rope_scaling", "rope_parameters") else {
            return try rotary(outer, headWidth, outerShare, rules, reader)
        }
        let field = reader.json["rope_scaling"].map { !$0.isNull } == true ? "rope_scaling" : "rope_parameters"
        return try read(table, reader.path, field, headWidth, context, original, theta: outer, share: outerShare, rules)
    }

    /// One table of rotary positions, for families with several.
    static func read(
        _ table: JSON, _ path: String, _ field: String, _ headWidth: Int, _ context: Int, _ original: Int?, theta: Double, share: Double? = nil, _ rules: RopeRules
    ) throws(FileError) -> Rotary {
        var rope = try ConfigReader(table, path: path, field: field)
        let base = try rope.number("rope_theta", default: theta)
        let type = try rope.text("rope_type", "type", default: "default")
        var inner = share
        if share == nil { try rope.only("partial_rotary_factor", 1.0, default: 1.0) } else {
            inner = try rope.number("partial_rotary_factor", default: share)
        }
        var rotary = try rotary(base, headWidth, inner, rules, rope)
        rotary.scaling = try scaling(rules.longropeNames.contains(type) ? "longrope" : type, &rope, context, original, rules)
        rope.ignore("type", "rope_type")
        for key in table.object?.keys ?? [] where !rope.isUsed(key) {
            throw rope.wrong(key, "only the fields of rope type \(type)", table[key]?.serialized() ?? "")
        }
        return rotary
    }

    private static func rotary(
        _ base: Double, _ headWidth: Int, _ share: Double?, _ rules: RopeRules, _ reader: ConfigReader
    ) throws(FileError) -> Rotary {
        guard let share else { return Rotary(base: base, width: headWidth) }
        guard share > 0, share <= 1, headWidth > 0, headWidth < 1 << 20 else {
            throw reader.wrong("partial_rotary_factor", "above 0, at most 1", "\(share)")
        }
        let spread = Int(Double(headWidth) * share)
        return Rotary(base: base, width: rules.roundsUp ? spread + spread % 2 : spread, spread: spread)
    }

    private static func scaling(
        _ type: String, _ rope: inout ConfigReader, _ context: Int, _ original: Int?, _ rules: RopeRules
    ) throws(FileError) -> RopeScaling {
        switch type {
        case "default":
            rope.ignore("original_max_position_embeddings", "factor", "attention_factor")
            return .none
        case "linear":
            rope.ignore("original_max_position_embeddings")
            return .linear(factor: single(try rope.number("factor")))
        case "dynamic":
            rope.ignore("original_max_position_embeddings")
            return .dynamic(factor: try rope.number("factor"), context: context)
        case "llama3":
            return .llama3(
                factor: try rope.number("factor"), lowFrequency: try rope.number("low_freq_factor"),
                highFrequency: try rope.number("high_freq_factor"),
                context: try originalContext(&rope, context, original))
        case "yarn": return .yarn(try yarn(&rope, context, original))
        case "longrope": return .longrope(try longrope(&rope, context, original, rules))
        default: throw rope.wrong("rope_type", "default, linear, dynamic, yarn, llama3 or longrope", type)
        }
    }

    /// Angles are computed with these numbers in 32 bits, and that is what a GGUF file holds of them: 1.1 there is the same model as here.
    private static func single(_ number: Double) -> Double { Double(Float(number)) }

    private static func longrope(
        _ rope: inout ConfigReader, _ context: Int, _ outer: Int?, _ rules: RopeRules
    ) throws(FileError) -> RopeScaling.LongRope {
        let original = try originalContext(&rope, context, outer)
        guard let short = try rope.numbers("short_factor"), let long = try rope.numbers("long_factor") else {
            throw rope.wrong("short_factor", "short_factor and long_factor, lists of numbers", "nothing")
        }
        let factor = try rope.number("factor", default: Double(context) / Double(max(original, 1)))
        let grown = factor <= 1 || original <= 1 ? 1 : (1 + log(factor) / log(Double(original))).squareRoot()
        return RopeScaling.LongRope(
            context: original, short: short.map(single), long: long.map(single),
            attentionFactor: single(try rope.number("attention_factor", default: grown)),
            crossing: rules.crossing)
    }

    /// The context before scaling: the outer field wins, as in the reference.
    private static func originalContext(_ rope: inout ConfigReader, _ context: Int, _ outer: Int?) throws(FileError) -> Int {
        let inner = try rope.int("original_max_position_embeddings", default: context)
        return outer ?? inner
    }

    private static func yarn(_ rope: inout ConfigReader, _ context: Int, _ outer: Int?) throws(FileError) -> RopeScaling.Yarn {
        let original = try originalContext(&rope, context, outer)
        let factor = single(try rope.number("factor", default: Double(context) / Double(max(original, 1))))
        let mscale = try rope.number("mscale", default: 0)
        let mscaleAll = try rope.number("mscale_all_dim", default: 0)
        func grown(_ m: Double) -> Double { factor <= 1 ? 1 : 0.1 * m * log(factor) + 1 }
        let inferred = mscale != 0 && mscaleAll != 0 ? grown(mscale) / grown(mscaleAll) : grown(1)
        let fast = try rope.number("beta_fast", default: 32)
        let slow = try rope.number("beta_slow", default: 1)
        return RopeScaling.Yarn(
            factor: factor, context: original, betaFast: fast == 0 ? 32 : fast, betaSlow: slow == 0 ? 1 : slow,
            attentionFactor: single(try rope.number("attention_factor", default: inferred)),
            range: try rope.flag("truncate", default: true) ? .whole : .exact)
    }

    /// Both spellings, so that old and new readers agree. `share` names the share of a head that turns where the family has a field for it.
    static func write(_ rotary: Rotary, headWidth: Int, share: Bool = false, into config: inout JSONObject) {
        var table = table(rotary)
        if share, headWidth > 0 {
            let quotient = Double(rotary.spread) / Double(headWidth)
            table["partial_rotary_factor"] = .number(Int(Double(headWidth) * quotient) < rotary.spread ? quotient.nextUp : quotient)
            config["partial_rotary_factor"] = table["partial_rotary_factor"]
        }
        config["rope_parameters"] = .object(table)
        config["rope_theta"] = .number(rotary.base)
        if rotary.scaling != .none { config["rope_scaling"] = .object(table) }
    }

    /// The fields of one table.
    static func table(_ rotary: Rotary) -> JSONObject {
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
        case .longrope(let long):
            table["rope_type"] = "longrope"
            table["short_factor"] = .array(long.short.map { .number($0) })
            table["long_factor"] = .array(long.long.map { .number($0) })
            table["attention_factor"] = .number(long.attentionFactor)
            table["original_max_position_embeddings"] = JSON(long.context)
        }
        return table
    }
}
