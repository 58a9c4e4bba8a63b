import QuintetFiles
import Yams

extension TrainingConfig {
    /// The settings of a `run.yaml` on top of these.
    ///
    /// The file is one flat mapping. An unknown or doubled key, a tab as indentation, an anchor or alias, and anything
    /// nested is an error with its line.
    /// - Throws: `TrainingError`, or `FileError` where the file cannot be read.
    public mutating func apply(yamlFile path: String) throws {
        let bytes = try readFile(path, limit: 1 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TrainingError.settingsFile(source: path, line: nil, column: nil, problem: "expected UTF-8 text")
        }
        try apply(yaml: text, source: path)
    }

    /// The same for a text; `source` is what errors call it.
    public mutating func apply(yaml text: String, source: String) throws(TrainingError) {
        try apply(Self.settings(inYAML: text, source: source), source: source)
    }

    static func settings(inYAML text: String, source: String) throws(TrainingError) -> [GivenSetting] {
        try refuseTraps(text, source)
        guard let root = try compose(text, source) else { return [] }
        if case .scalar(let scalar) = root, scalar.string.isEmpty { return [] }
        guard case .mapping(let mapping) = root else {
            throw .settingsFile(source: source, line: root.mark?.line, column: nil, problem: "expected lines of the form name: value")
        }
        var out: [GivenSetting] = []
        for (key, node) in mapping {
            guard case .scalar(let name) = key, case .scalar(let scalar) = node else {
                throw .settingsFile(
                    source: source, line: key.mark?.line, column: nil, problem: "expected name: value, found a list or a mapping")
            }
            out.append(GivenSetting(name.string, value(of: scalar), line: key.mark?.line))
        }
        return out
    }

    private static func refuseTraps(_ text: String, _ source: String) throws(TrainingError) {
        do throws(YAML.Trap) { try YAML.refuseTraps(text) } catch {
            throw .settingsFile(source: source, line: error.line, column: error.column, problem: error.problem)
        }
    }

    private static func compose(_ text: String, _ source: String) throws(TrainingError) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw problem(error, source)
        } catch {
            throw .settingsFile(source: source, line: nil, column: nil, problem: "\(error)")
        }
    }

    private static func problem(_ error: YamlError, _ source: String) -> TrainingError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            return .settingsFile(source: source, line: mark.line, column: mark.column, problem: problem)
        case .duplicatedKeysInMapping(let names, let context):
            return .badSetting(
                names.first ?? "", source: source, line: context.mark.line, expected: "to be given once", found: "it twice")
        case .reader(let problem, let offset, _, _):
            return .settingsFile(source: source, line: nil, column: nil, problem: problem + (offset.map { " at character \($0)" } ?? ""))
        default:
            return .settingsFile(source: source, line: nil, column: nil, problem: "\(error)")
        }
    }

    /// A plain scalar by YAML's core schema; a quoted one is a text.
    private static func value(of scalar: Node.Scalar) -> JSON {
        guard scalar.style == .any || scalar.style == .plain else { return .string(scalar.string) }
        return YAML.plain(scalar.string)
    }
}
