import QuintetFiles
import QuintetGeneration

/// What a client wants a text to look like, as it wrote it.
enum FormatSource: Sendable {
    case schema(JSON)
    case grammar(String)

    /// What tells it from others, for a cache.
    var key: String {
        switch self {
        case .schema(let json): "schema " + json.serialized()
        case .grammar(let text): "grammar " + text
        }
    }

    /// - Throws: `ConstraintError` where it cannot be held to.
    func read() throws(ConstraintError) -> OutputFormat {
        switch self {
        case .schema(let json): try .jsonSchema(json)
        case .grammar(let text): try .gbnf(text)
        }
    }

    /// The one that a request asks for, in OpenAI's, llama-server's or vLLM's words. What we cannot hold to is refused, never left out.
    static func of(_ fields: Fields) throws(APIError) -> FormatSource? {
        var found: [FormatSource] = []
        if let json = fields["response_format"], let format = try responseFormat(try Fields(json, "response_format")) { found.append(format) }
        if let text = try fields.string("grammar"), !text.isEmpty { found.append(.grammar(text)) }
        for name in ["json_schema", "guided_json"] { if let json = fields[name] { found.append(.schema(try schema(json, fields, name))) } }
        if let text = try fields.string("guided_grammar") { found.append(.grammar(text)) }
        if fields["guided_choice"] != nil { found.append(try choice(fields, "guided_choice")) }
        if let json = fields["structured_outputs"], let format = try structured(try Fields(json, "structured_outputs")) { found.append(format) }
        for name in ["guided_regex", "guided_whitespace_pattern", "structural_tag"] where fields[name] != nil {
            throw .invalid("'\(name)' is not supported; a grammar or schema is.", param: name)
        }
        if found.count > 1 { throw .invalid("The request asks for \(found.count) output formats; one can be held to.", param: "response_format") }
        return found.first
    }

    private static func responseFormat(_ fields: Fields) throws(APIError) -> FormatSource? {
        switch try fields.string("type") {
        case "text": return nil
        case "json_object":
            guard let json = fields["schema"] else { return .schema(["type": "object"]) }
            return .schema(try schema(json, fields, "schema"))
        case "json_schema":
            guard let json = fields["json_schema"] ?? fields["schema"] else { throw fields.wrong("json_schema", "a schema") }
            return .schema(try schema(json["schema"] ?? json, fields, "json_schema"))
        case "grammar", "gbnf":
            guard let text = try fields.string("grammar") else { throw fields.wrong("grammar", "a GBNF grammar") }
            return .grammar(text)
        default: throw fields.wrong("type", "\"text\", \"json_object\" or \"json_schema\"")
        }
    }

    private static func structured(_ fields: Fields) throws(APIError) -> FormatSource? {
        if let json = fields["json"] { return .schema(try schema(json, fields, "json")) }
        if let text = try fields.string("grammar") { return .grammar(text) }
        if fields["choice"] != nil { return try choice(fields, "choice") }
        if try fields.flag("json_object") == true { return .schema(["type": "object"]) }
        throw .invalid("'structured_outputs' has to hold 'json', 'grammar', 'choice' or 'json_object'.", param: "structured_outputs")
    }

    /// A schema, or one written as a text.
    private static func schema(_ json: JSON, _ fields: Fields, _ key: String) throws(APIError) -> JSON {
        if json.object != nil || json.bool != nil { return json }
        if let text = json.string, let parsed = try? JSON.parse(text), parsed.object != nil { return parsed }
        throw fields.wrong(key, "a JSON schema")
    }

    /// One of several texts, as a grammar.
    private static func choice(_ fields: Fields, _ key: String) throws(APIError) -> FormatSource {
        let texts = try fields.strings(key, atMost: 1000)
        if texts.isEmpty { throw fields.wrong(key, "at least one text") }
        let words = texts.map { text in
            "\"" + text.unicodeScalars.map { scalar in
                let digits = String(scalar.value, radix: 16)
                return scalar.properties.isAlphabetic ? String(scalar) : "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }.joined() + "\""
        }
        return .grammar("root ::= " + words.joined(separator: " | "))
    }
}
