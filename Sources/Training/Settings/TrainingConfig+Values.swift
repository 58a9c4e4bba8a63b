public import QuintetFiles

/// A value a person gave, with the place to point at when it is wrong.
public struct GivenSetting: Sendable, Equatable {
    public var name: String
    public var value: JSON
    public var line: Int?

    public init(_ name: String, _ value: JSON, line: Int? = nil) {
        self.name = name
        self.value = value
        self.line = line
    }
}

extension TrainingConfig {
    /// Takes over settings by name; later values win over earlier ones of another source, never within one.
    ///
    ///     var config = TrainingConfig()
    ///     try config.apply([GivenSetting("max_steps", 100)], source: "command line")
    /// - Throws: `TrainingError` for an unknown name (with the nearest), a wrong value, a name given twice.
    public mutating func apply(_ given: [GivenSetting], source: String) throws(TrainingError) {
        giveWay(to: given)
        var seen: Set<String> = []
        for item in given {
            guard let setting = Setting.named(item.name) else {
                let names = Setting.all.flatMap { [$0.name] + $0.aliases }
                throw .unknownSetting(item.name, source: source, line: item.line, nearest: nearestNames(to: item.name, in: names, count: 1).first)
            }
            guard seen.insert(setting.name).inserted else {
                throw .badSetting(
                    setting.name, source: source, line: item.line, expected: "to be given once",
                    found: item.name == setting.name ? "it twice" : "it again as \(item.name)")
            }
            guard setting.write(&self, item.value) else {
                throw .badSetting(
                    setting.name, source: source, line: item.line, expected: setting.expected,
                    found: brief(item.value) + (item.value.string.map { $0.isEmpty ? "" : ".\(nearestQuestion($0, setting.choices))" } ?? ""))
            }
        }
    }

    /// Settings of which a run has one: giving one takes back what another source said about the others.
    private static let alternatives = [
        ["preset", "depth"], ["max_steps", "max_tokens", "target_param_data_ratio"], ["gradient_accumulation_steps", "total_batch_size"],
        ["warmup_steps", "warmup_ratio"],
    ]

    private mutating func giveWay(to given: [GivenSetting]) {
        let names = given.filter { $0.value != .null }.compactMap { Setting.named($0.name)?.name }
        if names.contains("preset") || names.contains("depth") {
            // Another size means its own sizes, not those that an earlier run.yaml spelled out.
            (layers, width, heads, kvHeads, feedForward, context) = (nil, nil, nil, nil, nil, nil)
        }
        for group in Self.alternatives where group.contains(where: names.contains) {
            for name in group where !names.contains(name) { _ = Setting.named(name)?.write(&self, .null) }
        }
    }

    /// Every setting under its name; nil is null.
    public var values: JSONObject {
        var out = JSONObject()
        for setting in Setting.all { out[setting.name] = setting.read(self) }
        return out
    }

    /// The settings back from `values`.
    /// - Throws: `TrainingError`, naming `source`.
    public init(values: JSONObject, source: String) throws(TrainingError) {
        self.init()
        var given: [GivenSetting] = []
        for (name, value) in values { given.append(GivenSetting(name, value)) }
        try apply(given, source: source)
    }

    /// The settings as a `run.yaml` that gives this run again, a comment on every line.
    public var yaml: String {
        var out = "# Settings of a Quintet run. Use it again: quintet pretrain --data DIR --into RUN --config run.yaml\n"
        for setting in Setting.all {
            let value = setting.read(self)
            guard value != .null else { continue }
            // A JSON scalar is a YAML scalar.
            out += "\(setting.name): \(value.serialized())  # \(setting.explanation)\n"
        }
        return out
    }

    /// What differs between a saved run and what is asked for now, among the settings that make a run what it is.
    public static func differences(saved: TrainingConfig, now: TrainingConfig) -> [TrainingError.Difference] {
        Setting.all.filter(\.isIdentity).compactMap { setting in
            let (before, after) = (setting.read(saved), setting.read(now))
            guard before != after else { return nil }
            return .init(setting.name, saved: brief(before), now: brief(after))
        }
    }
}

/// A value as an error message shows it: short, and never with raw control characters.
func brief(_ value: JSON) -> String {
    let text = value.serialized()
    return text.count > 60 ? String(text.prefix(57)) + "..." : text
}
