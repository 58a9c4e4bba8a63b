import QuintetFiles

/// An objective by name: which examples it takes, and how it is made for a data set.
public struct ObjectiveEntry: Sendable {
    public let name: String
    public let aliases: [String]
    /// One clause for `--help`.
    public let summary: String
    let takes: @Sendable (Example) -> Bool
    let make: @Sendable (AdaptSettings, [DataRow]) throws -> any Objective
}

/// Every objective, one line each; the first that takes a data set's examples is the one it gets unless somebody says otherwise.
public enum Objectives {
    public static let all: [ObjectiveEntry] = [
        .continued, .supervised, .dpo, .regression, .classification, .tokenLabels,
    ]

    /// - Throws: `TrainingError` for an unknown name, or where the examples are not its kind.
    static func entry(_ name: String?, for rows: [DataRow], format: String) throws -> ObjectiveEntry {
        let example = rows[0].example
        guard let name else {
            let isValue = Labels.areValues(rows.lazy.compactMap(\.label))
            guard let entry = all.first(where: { $0.takes(example) && ($0.name != "regression" || isValue) }) else {
                throw TrainingError.impossible(["no objective takes \(format) rows"])
            }
            return entry
        }
        guard let entry = all.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
            throw TrainingError.badSetting(
                "objective", source: "command line", line: nil, expected: "one of " + all.map(\.name).joined(separator: ", "), found: quoted(name))
        }
        guard entry.takes(example) else {
            throw TrainingError.impossible(["the objective \(entry.name) does not take \(format) rows: \(entry.summary)"])
        }
        return entry
    }
}

extension DataRow {
    var label: JSON? { if case .labelled(_, let label) = example { label } else { nil } }
}
