import QuintetFiles

enum SchemaType: String, CaseIterable, Sendable {
    case null, boolean, integer, number, string, array, object
}

/// What is known of the words of a schema.
enum SchemaKeywords {
    /// Words that say nothing about which values are valid.
    static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "$vocabulary", "title", "description", "default", "examples", "example",
        "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "contentSchema",
        // OpenAPI's: what is written without looking at them is valid with them, too.
        "nullable", "discriminator", "externalDocs", "xml",
    ]

    /// Words that this compiler holds to, within the limits that their places name.
    static let assertions: Set<String> = [
        "type", "enum", "const", "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties", "items",
        "prefixItems", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    ]

    /// Words that are resolved before.
    static let structure: Set<String> = ["$ref", "allOf", "anyOf", "oneOf"]

    static func isAnnotation(_ word: String) -> Bool { annotations.contains(word) || word.hasPrefix("x-") }

    /// The target of a schema that is a reference and nothing else.
    static func soleReference(_ schema: JSON) -> String? {
        guard let members = schema.object, let reference = members["$ref"]?.string else { return nil }
        return members.allSatisfy { $0.key == "$ref" || isAnnotation($0.key) } ? reference : nil
    }
}

extension SchemaCompiler {
    /// The keywords of a schema with those of `$ref` and `allOf` merged in; nil where nothing is valid.
    func flatten(_ schema: JSON, _ path: String, depth: Int) throws(ConstraintError) -> SchemaParts? {
        if depth > 64 { throw ConstraintError(.limit, at: path, keyword: "allOf", "schemas within each other without end") }
        if let flag = schema.bool { return flag ? SchemaParts() : nil }
        guard let members = schema.object else { throw ConstraintError(.syntax, at: path, "a schema is an object or a boolean, not \(schema.kind)") }
        var parts = SchemaParts()
        for (key, value) in members {
            if SchemaKeywords.isAnnotation(key) { continue }
            if SchemaKeywords.assertions.contains(key) {
                parts.keywords[key] = SchemaParts.Entry(value: value, path: path)
            } else if !SchemaKeywords.structure.contains(key) {
                throw ConstraintError(.unsupported, at: path, keyword: key, "this keyword cannot be held to")
            }
        }
        for key in ["anyOf", "oneOf"] {
            guard let value = members[key] else { continue }
            parts.choices.append(SchemaParts.Choice(keyword: key, schemas: try list(value, key, path), path: path))
        }
        if let reference = members["$ref"] {
            guard let text = reference.string else { throw ConstraintError(.syntax, at: path, keyword: "$ref", "a string, not \(reference.kind)") }
            guard let other = try flatten(try target(of: text, from: path), text, depth: depth + 1), try parts.merge(other) else { return nil }
        }
        if let all = members["allOf"] {
            for (index, schema) in try list(all, "allOf", path).enumerated() {
                guard let other = try flatten(schema, "\(path)/allOf/\(index)", depth: depth + 1), try parts.merge(other) else { return nil }
            }
        }
        return parts
    }

    private func list(_ value: JSON, _ key: String, _ path: String) throws(ConstraintError) -> [JSON] {
        guard let schemas = value.array, !schemas.isEmpty else { throw ConstraintError(.syntax, at: path, keyword: key, "a list of schemas is expected") }
        return schemas
    }
}
