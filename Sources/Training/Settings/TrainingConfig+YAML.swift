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

    /// Refuses what could make a small file unfold into a big one, before the parser sees it.
    private static func refuseTraps(_ text: String, _ source: String) throws(TrainingError) {
        var (line, column, depth) = (1, 0, 0)
        var quote: Character?
        var before: Character = "\n"
        var (inComment, escaped, closed, anchor) = (false, false, false, false)
        for character in text {
            column += 1
            if before == "&" || before == "*", anchor, !character.isWhitespace {
                throw .settingsFile(
                    source: source, line: line, column: column - 1,
                    problem: "anchors and aliases are not read; quote a text that begins with \(before)")
            }
            anchor = false
            if character.isNewline {
                (line, column, inComment) = (line + 1, 0, false)
            } else if inComment {
            } else if let open = quote {
                if character == open, !escaped { (quote, closed) = (nil, true) }
                escaped = character == "\\" && open == "\"" && !escaped
            } else if closed, character == "'", before == "'" {
                (quote, closed) = ("'", false)  // '' inside single quotes is one quote
            } else if startsToken(before) {
                closed = false
                switch character {
                case "#": inComment = true
                case "\"", "'": quote = character
                case "&", "*": anchor = true
                case "[", "{":
                    depth += 1
                    if depth > 8 { throw .settingsFile(source: source, line: line, column: column, problem: "nested too deeply") }
                case "\t" where before == "\n":
                    throw .settingsFile(source: source, line: line, column: column, problem: "a tab indents this line; YAML wants spaces")
                default: break
                }
            }
            before = character
        }
    }

    private static func startsToken(_ before: Character) -> Bool {
        before.isWhitespace || before == "[" || before == "{" || before == "," || before == ":"
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
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "on": return .bool(true)
        case "false", "False", "FALSE", "no", "off": return .bool(false)
        default: return number(scalar.string) ?? .string(scalar.string)
        }
    }

    /// `12`, `1_000`, `3e-4`, `.5`; not `nan`, `inf` or `0x10`, which stay texts and fail as numbers.
    static func number(_ text: String) -> JSON? {
        guard text.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || "+-._eE".utf8.contains($0) }) else { return nil }
        let digits = text.replacing("_", with: "")
        if let whole = Int64(digits) { return .integer(whole) }
        guard let value = Double(digits), value.isFinite else { return nil }
        return .number(value)
    }
}
