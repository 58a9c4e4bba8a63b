public import QuintetFiles

/// What a run of `gather` did: `report.json` and the command's summary.
public struct GatherReport: Sendable, Equatable {
    /// What one step did.
    public struct Step: Sendable, Equatable {
        public var name: String
        public var dropped = 0
        public var changed = 0
        public var seconds = 0.0
    }

    public var files = 0
    /// Files in the folders that were passed over, by reason.
    public var skipped: [String: Int] = [:]
    public var documentsIn = 0
    public var documentsOut = 0
    public var bytesIn = 0
    public var bytesOut = 0
    /// Rows and files that could not be read, by reason; they count among the dropped.
    public var quarantined: [String: Int] = [:]
    /// Records and members that are rightly left out (requests, images, folders), by what they are; they do not count as documents.
    public var passedOver: [String: Int] = [:]
    /// Character encodings of the documents.
    public var encodings: [String: Int] = [:]
    /// Documents with something hidden: comments of HTML, zero-width characters.
    public var flagged: [String: Int] = [:]
    public var languages: [String: Int] = [:]
    public var steps: [Step] = []
    public var seconds = 0.0

    public var documentsQuarantined: Int { quarantined.values.reduce(0, +) }
    public var documentsDropped: Int { steps.reduce(documentsQuarantined) { $0 + $1.dropped } }

    /// Keys in a fixed order; maps sorted by key.
    public var json: JSON {
        var steps: [JSON] = [["name": "read", "dropped": JSON(documentsQuarantined), "changed": 0, "seconds": JSON(0.0)]]
        for step in self.steps {
            steps.append([
                "name": .string(step.name), "dropped": JSON(step.dropped), "changed": JSON(step.changed),
                "seconds": JSON((step.seconds * 1e6).rounded() / 1e6),
            ])
        }
        return [
            "documents_in": JSON(documentsIn), "documents_out": JSON(documentsOut), "documents_dropped": JSON(documentsDropped),
            "bytes_in": JSON(bytesIn), "bytes_out": JSON(bytesOut), "files": JSON(files), "files_skipped": Self.map(skipped),
            "quarantined": Self.map(quarantined), "passed_over": Self.map(passedOver), "encodings": Self.map(encodings),
            "flagged": Self.map(flagged), "languages": Self.map(languages), "steps": .array(steps),
            "seconds": JSON((seconds * 1e3).rounded() / 1e3),
        ]
    }

    private static func map(_ counts: [String: Int]) -> JSON {
        var out = JSONObject()
        for (key, count) in counts.sorted(by: { Folder.precedes($0.key, $1.key) }) { out[key] = JSON(count) }
        return .object(out)
    }

    /// A few lines for people.
    public var summary: String {
        var lines = ["\(documentsOut) documents (\(megabytes(bytesOut))) from \(files) files (\(megabytes(bytesIn))) in \(ProgressBar.duration(seconds))"]
        for step in steps where step.dropped + step.changed > 0 {
            lines.append("  \(step.name): \(step.dropped) dropped, \(step.changed) changed")
        }
        for (reason, count) in quarantined.sorted(by: { Folder.precedes($0.key, $1.key) }) {
            lines.append("  not readable, \(reason): \(count)")
        }
        if let reasons = Gather.reasons(skipped) { lines.append("  files passed over: " + reasons) }
        return lines.joined(separator: "\n")
    }

    private func megabytes(_ bytes: Int) -> String { "\((Double(bytes) / 1e5).rounded() / 10) MB" }
}
