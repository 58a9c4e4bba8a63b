public import QuintetFiles

/// What a scrub did: `report.json`, `report.html` and the command's summary.
public struct ScrubReport: Sendable {
    public struct Step: Sendable, Equatable {
        public var name: String
        public var dropped: Int
        public var changed: Int
        public var flagged: Int
        public var seconds: Double
        /// Documents dropped, by rule.
        public var rules: [String: Int]
        /// Spans changed, by rule.
        public var edits: [String: Int]
    }

    public let documentsIn: Int
    public let documentsOut: Int
    public let bytesIn: Int
    public let bytesOut: Int
    /// Rows that could not be read, by reason; they count among the dropped.
    public let quarantined: [String: Int]
    public let steps: [Step]
    public let languages: [String: Int]
    /// Near-duplicate clusters by size.
    public let clusters: [Int: Int]
    public let seconds: Double
    let lengthsIn: [Int: Int]
    let lengthsOut: [Int: Int]
    let examples: [String: [JSON]]
    let flags: [String: Int]
    let config: JSON

    public var documentsQuarantined: Int { quarantined.values.reduce(0, +) }
    public var documentsDropped: Int { steps.reduce(documentsQuarantined) { $0 + $1.dropped } }

    init(_ plan: ScrubPlan, _ stats: UnitStats, seconds: Double) {
        func numbers(_ prefix: String) -> [Int: Int] {
            var out: [Int: Int] = [:]
            for (key, count) in stats.below(prefix) { if let n = Int(key) { out[n] = count } }
            return out
        }
        documentsIn = stats.counts["documents_in"] ?? 0
        documentsOut = stats.counts["documents_out"] ?? 0
        bytesIn = stats.counts["bytes_in"] ?? 0
        bytesOut = stats.counts["bytes_out"] ?? 0
        quarantined = stats.below("quarantined/")
        languages = stats.below("language/")
        steps = plan.config.steps.map { name in
            Step(
                name: name, dropped: stats.sum("dropped/\(name)/"), changed: stats.counts["changed/" + name] ?? 0,
                flagged: stats.counts["flagged/" + name] ?? 0, seconds: stats.seconds[name] ?? 0, rules: stats.below("dropped/\(name)/"),
                edits: stats.below("edit/\(name)/"))
        }
        clusters = Dictionary(uniqueKeysWithValues: numbers("cluster/").compactMap { size, dropped in size > 1 ? (size, dropped / (size - 1)) : nil })
        lengthsIn = numbers("length_in/")
        lengthsOut = numbers("length_out/")
        examples = stats.examples
        flags = stats.below("flag/")
        config = plan.config.json
        self.seconds = seconds
    }

    /// in = out + dropped, or it is our mistake.
    func checkAccount(_ path: String) throws(FileError) {
        guard documentsIn == documentsOut + documentsDropped else {
            throw FileError(
                "the account does not add up; this is a defect in quintet", path: path, expected: "\(documentsIn) documents",
                found: "\(documentsOut) kept + \(documentsDropped) dropped")
        }
    }

    static func map(_ counts: [String: Int]) -> JSON {
        var out = JSONObject()
        for (key, count) in counts.sorted(by: { Folder.precedes($0.key, $1.key) }) { out[key] = JSON(count) }
        return .object(out)
    }

    public var json: JSON {
        var rows: [JSON] = [["name": "read", "dropped": JSON(documentsQuarantined), "changed": 0, "seconds": JSON(0.0)]]
        for step in steps {
            rows.append([
                "name": .string(step.name), "dropped": JSON(step.dropped), "changed": JSON(step.changed),
                "seconds": JSON((step.seconds * 1e6).rounded() / 1e6), "flagged": JSON(step.flagged), "rules": Self.map(step.rules),
                "edits": Self.map(step.edits),
            ])
        }
        return [
            "documents_in": JSON(documentsIn), "documents_out": JSON(documentsOut), "documents_dropped": JSON(documentsDropped),
            "bytes_in": JSON(bytesIn), "bytes_out": JSON(bytesOut), "quarantined": Self.map(quarantined), "languages": Self.map(languages),
            "duplicate_clusters": Self.map(Dictionary(uniqueKeysWithValues: clusters.map { ("\($0.key)", $0.value) })),
            "flags": Self.map(flags), "steps": .array(rows), "seconds": JSON((seconds * 1e3).rounded() / 1e3), "config": config,
        ]
    }

    /// A row for each step: what it left.
    var metrics: String {
        var left = documentsIn - documentsQuarantined
        return steps.map { step in
            left -= step.dropped
            let row: JSON = [
                "step": .string(step.name), "documents": JSON(left), "dropped": JSON(step.dropped), "changed": JSON(step.changed),
                "seconds": JSON((step.seconds * 1e6).rounded() / 1e6),
            ]
            return row.serialized() + "\n"
        }.joined()
    }

    /// A few lines for people.
    public var summary: String {
        let share = documentsIn > 0 ? Double(documentsOut) / Double(documentsIn) * 100 : 0
        var lines = [
            "\(documentsOut) of \(documentsIn) documents kept (\((share * 10).rounded() / 10) %), \(Self.megabytes(bytesOut)) of \(Self.megabytes(bytesIn)), "
                + "in \(ProgressBar.duration(seconds))"
        ]
        for step in steps where step.dropped + step.changed + step.flagged > 0 {
            var parts: [String] = []
            if step.dropped > 0 { parts.append("\(step.dropped) dropped") }
            if step.changed > 0 { parts.append("\(step.changed) changed") }
            if step.flagged > 0 { parts.append("\(step.flagged) flagged") }
            lines.append("  \(step.name): " + parts.joined(separator: ", "))
        }
        for (reason, count) in quarantined.sorted(by: { Folder.precedes($0.key, $1.key) }) { lines.append("  not readable, \(reason): \(count)") }
        return lines.joined(separator: "\n")
    }

    static func megabytes(_ bytes: Int) -> String { "\((Double(bytes) / 1e5).rounded() / 10) MB" }
}
