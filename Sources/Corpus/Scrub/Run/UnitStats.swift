internal import QuintetFiles

/// What was counted while a unit was worked on; units add up.
struct UnitStats {
    /// Counts by name, such as "dropped/gopher_quality/gopher_short_doc".
    var counts: [String: Int] = [:]
    /// Seconds by step.
    var seconds: [String: Double] = [:]
    /// A few of what was removed, by "step/rule".
    var examples: [String: [JSON]] = [:]
    static let examplesPerRule = 3

    mutating func add(_ name: String, _ count: Int = 1) { counts[name, default: 0] += count }

    mutating func add(_ other: UnitStats) {
        for (name, count) in other.counts { counts[name, default: 0] += count }
        for (name, time) in other.seconds { seconds[name, default: 0] += time }
        for (name, list) in other.examples { examples[name] = Array(((examples[name] ?? []) + list).prefix(Self.examplesPerRule)) }
    }

    var json: JSON {
        func sorted<V>(_ values: [String: V], _ make: (V) -> JSON) -> JSON {
            var out = JSONObject()
            for (key, value) in values.sorted(by: { Folder.precedes($0.key, $1.key) }) { out[key] = make(value) }
            return .object(out)
        }
        return ["counts": sorted(counts) { JSON($0) }, "seconds": sorted(seconds) { JSON($0) }, "examples": sorted(examples) { .array($0) }]
    }

    init() {}

    init(_ path: String) throws {
        let json = try JSON.read(path)
        for (key, value) in json["counts"]?.object ?? [:] { counts[key] = value.int ?? 0 }
        for (key, value) in json["seconds"]?.object ?? [:] { seconds[key] = value.double ?? 0 }
        for (key, value) in json["examples"]?.object ?? [:] { examples[key] = value.array ?? [] }
    }

    /// Sum of the counts whose name begins like this.
    func sum(_ prefix: String) -> Int { counts.reduce(0) { $0 + ($1.key.hasPrefix(prefix) ? $1.value : 0) } }

    /// The counts below a prefix, by the rest of their names.
    func below(_ prefix: String) -> [String: Int] {
        var out: [String: Int] = [:]
        for (key, value) in counts where key.hasPrefix(prefix) { out[String(key.dropFirst(prefix.count))] = value }
        return out
    }
}
