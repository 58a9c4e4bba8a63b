internal import Yams

/// YAML as this program reads it: JSON's values in YAML's spelling, and nothing that could make a small file unfold into a big one.
///
/// Anchors, aliases, tabs as indentation, doubled keys and deep nesting are errors with their place.
public enum YAML {
    /// A place in a text, counted from 1, and what is wrong there.
    public struct Trap: Error, Equatable, Sendable {
        public var line: Int
        public var column: Int
        public var problem: String
    }

    /// Parses a text into a value; mappings keep their order, an empty text is null.
    public static func parse(_ text: String, source: String) throws(FileError) -> JSON {
        do throws(Trap) { try refuseTraps(text) } catch {
            throw FileError("bad YAML", path: source, found: "\(error.problem), column \(error.column)", line: error.line)
        }
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch let error as YamlError {
            throw failure(error, source)
        } catch { throw FileError("bad YAML", path: source, found: "\(error)") }
        guard let node else { return .null }
        return try value(node, source, depth: 0)
    }

    public static func read(_ path: String) throws(FileError) -> JSON {
        let bytes = try readFile(path, limit: 1 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError("not UTF-8", path: path, expected: "YAML") }
        return try parse(text, source: path)
    }

    private static func value(_ node: Node, _ source: String, depth: Int) throws(FileError) -> JSON {
        guard depth < 16 else { throw FileError("nested too deeply", path: source, line: node.mark?.line) }
        switch node {
        case .scalar(let scalar):
            return scalar.style == .any || scalar.style == .plain ? plain(scalar.string) : .string(scalar.string)
        case .sequence(let items):
            var values: [JSON] = []
            for item in items { values.append(try value(item, source, depth: depth + 1)) }
            return .array(values)
        case .mapping(let pairs):
            var members = JSONObject()
            for (key, item) in pairs {
                guard case .scalar(let name) = key else { throw FileError("a key has to be a text", path: source, line: key.mark?.line) }
                if members[name.string] != nil { throw FileError("doubled key", path: source, field: name.string, line: key.mark?.line) }
                members[name.string] = try value(item, source, depth: depth + 1)
            }
            return .object(members)
        default: throw FileError("aliases are not read", path: source, line: node.mark?.line)
        }
    }

    private static func failure(_ error: YamlError, _ source: String) -> FileError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            FileError("bad YAML", path: source, found: "\(problem), column \(mark.column)", line: mark.line)
        case .duplicatedKeysInMapping(let names, let context):
            FileError("doubled key", path: source, field: names.first, line: context.mark.line)
        default: FileError("bad YAML", path: source, found: "\(error)")
        }
    }

    /// A plain scalar by YAML's core schema.
    public static func plain(_ text: String) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE", "yes", "on": .bool(true)
        case "false", "False", "FALSE", "no", "off": .bool(false)
        default: number(text) ?? .string(text)
        }
    }

    /// `12`, `1_000`, `3e-4`, `.5`; not `nan`, `inf` or `0x10`, which stay texts and fail as numbers.
    public static func number(_ text: String) -> JSON? {
        guard text.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || "+-._eE".utf8.contains($0) }) else { return nil }
        let digits = text.replacing("_", with: "")
        if let whole = Int64(digits) { return .integer(whole) }
        guard let value = Double(digits), value.isFinite else { return nil }
        return .number(value)
    }

    /// Refuses, before the parser sees it, what could make a small file unfold into a big one.
    public static func refuseTraps(_ text: String) throws(Trap) {
        var (line, column, depth) = (1, 0, 0)
        var quote: Character?
        var before: Character = "\n"
        var (inComment, escaped, closed, anchor) = (false, false, false, false)
        for character in text {
            column += 1
            if before == "&" || before == "*", anchor, !character.isWhitespace {
                throw Trap(line: line, column: column - 1, problem: "anchors and aliases are not read; quote a text that begins with \(before)")
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
            } else if character == "]" || character == "}" {
                depth = max(depth - 1, 0)
            } else if startsToken(before) {
                closed = false
                switch character {
                case "#": inComment = true
                case "\"", "'": quote = character
                case "&", "*": anchor = true
                case "[", "{":
                    depth += 1
                    if depth > 16 { throw Trap(line: line, column: column, problem: "nested too deeply") }
                case "\t" where before == "\n": throw Trap(line: line, column: column, problem: "a tab indents this line; YAML wants spaces")
                default: break
                }
            }
            before = character
        }
    }

    private static func startsToken(_ before: Character) -> Bool {
        before.isWhitespace || before == "[" || before == "{" || before == "," || before == ":"
    }
}
