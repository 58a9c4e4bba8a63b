/// What can go wrong before, during and around a training run, said so that a person can act on it.
public enum TrainingError: Error, Sendable, Equatable {
    /// A settings file that is no YAML mapping: where and why.
    case settingsFile(source: String, line: Int?, column: Int?, problem: String)
    /// A key that no setting has.
    case unknownSetting(String, source: String, line: Int?, nearest: String?)
    /// A value of the wrong kind or out of range.
    case badSetting(String, source: String, line: Int?, expected: String, found: String)
    /// Settings that contradict each other or make no model.
    case impossible([String])
    case unknownPreset(String, nearest: String?, known: [String])
    /// A folder that holds something else than a training run.
    case notARun(folder: String, found: String)
    /// A run is there already and nobody said to continue it.
    case runExists(folder: String, step: Int?)
    /// Continuing would not be the same run.
    case resumeDiffers([Difference])
    /// Checkpoints are there, none of them is whole.
    case noValidCheckpoint(folder: String, problems: [String])
    /// A state file of a later version of Quintet.
    case newerState(path: String, version: Int, known: Int)
    case badState(path: String, field: String, expected: String, found: String)
    /// Two checkpoint intervals in a row could not be written.
    case cannotSave(folder: String, problem: String)
    /// The loss stayed not finite after every allowed roll-back.
    case diverged(String)
    /// What was trained and what would be served are not the same; the report says how far apart.
    case gateFailed(folder: String, cause: String, summary: String)

    /// One setting or fact that differs between a run and its continuation.
    public struct Difference: Sendable, Equatable {
        public var name: String
        public var saved: String
        public var now: String

        public init(_ name: String, saved: String, now: String) {
            self.name = name
            self.saved = saved
            self.now = now
        }
    }

    /// The exit code of a command that ends with this: 2 for what was typed or written by a person, else 1.
    public var exitCode: Int32 {
        switch self {
        case .settingsFile, .unknownSetting, .badSetting, .impossible, .unknownPreset: 2
        default: 1
        }
    }
}

extension TrainingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .settingsFile(let source, let line, let column, let problem):
            return place(source, line, column) + problem
        case .unknownSetting(let name, let source, let line, let nearest):
            return place(source, line) + "there is no setting \(quoted(name))" + (nearest.map { ". Did you mean \($0)?" } ?? "")
        case .badSetting(let name, let source, let line, let expected, let found):
            return place(source, line) + "\(name): expected \(expected), found \(found)"
        case .impossible(let problems):
            return problems.count == 1 ? problems[0] : "these settings do not go together:" + problems.map { "\n  \($0)" }.joined()
        case .unknownPreset(let name, let nearest, let known):
            return "there is no preset \(quoted(name))" + (nearest.map { ". Did you mean \($0)?" } ?? "")
                + " Presets: \(known.joined(separator: ", "))"
        case .notARun(let folder, let found):
            return "\(folder) is not empty and is no training run (it holds \(found)). Give --into another folder"
        case .runExists(let folder, let step):
            return "\(folder) already holds a run" + (step.map { " at step \($0)" } ?? "")
                + ". Add --resume to continue it, or give --into another folder"
        case .resumeDiffers(let differences):
            return "this is not the run that was saved:"
                + differences.map { "\n  \($0.name): saved \($0.saved), now \($0.now)" }.joined()
                + "\nGive the saved values, or start a new run in another folder"
        case .noValidCheckpoint(let folder, let problems):
            return "\(folder): no checkpoint is whole" + problems.map { "\n  \($0)" }.joined()
        case .newerState(let path, let version, let known):
            return "\(path): written by a newer version (format \(version), this program knows \(known)). Update quintet"
        case .badState(let path, let field, let expected, let found):
            return "\(path): \(field): expected \(expected), found \(found)"
        case .cannotSave(let folder, let problem):
            return "\(folder): two checkpoints in a row could not be written (\(problem)). "
                + "The last good one is kept; free some space and continue with --resume"
        case .diverged(let explanation):
            return explanation
        case .gateFailed(let folder, let cause, let summary):
            return "\(folder): the result does not match what was trained, so it is not published: \(summary). Likely cause: \(cause). "
                + "The checkpoints are kept; gate.json has the figures, --skip-gate publishes all the same"
        }
    }
}

private func place(_ source: String, _ line: Int?, _ column: Int? = nil) -> String {
    source + (line.map { ":\($0)" } ?? "") + (column.map { ":\($0)" } ?? "") + ": "
}

/// A name from outside, in quotes, cut and with control characters made visible.
func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars.prefix(80) {
        out += scalar.value < 32 || scalar.value == 127 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return out + (text.unicodeScalars.count > 80 ? "...\"" : "\"")
}
