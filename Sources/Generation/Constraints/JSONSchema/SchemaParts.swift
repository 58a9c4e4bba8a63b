import QuintetFiles

/// Keywords that have to hold together.
struct SchemaParts: Sendable {
    struct Entry: Sendable {
        var value: JSON
        var path: String
    }

    struct Choice: Sendable {
        let keyword: String
        let schemas: [JSON]
        let path: String
    }

    var keywords: [String: Entry] = [:]
    /// `anyOf` and `oneOf`, of each of which one alternative is taken.
    var choices: [Choice] = []

    subscript(key: String) -> JSON? { keywords[key]?.value }

    func fault(_ kind: ConstraintError.Kind, _ key: String, _ what: String) -> ConstraintError {
        ConstraintError(kind, at: keywords[key]?.path ?? "#", keyword: key, what)
    }

    func int(_ key: String) throws(ConstraintError) -> Int? {
        guard let value = self[key] else { return nil }
        guard let number = value.int, number >= 0 else { throw fault(.syntax, key, "a whole number >= 0 is expected, found \(value.serialized())") }
        return number
    }

    func number(_ key: String) throws(ConstraintError) -> Double? {
        guard let value = self[key] else { return nil }
        guard let number = value.double, number.isFinite else { throw fault(.syntax, key, "a number is expected, found \(value.serialized())") }
        return number
    }

    func members(_ key: String) throws(ConstraintError) -> JSONObject? {
        guard let value = self[key] else { return nil }
        guard let members = value.object else { throw fault(.syntax, key, "an object is expected, found \(value.kind)") }
        return members
    }

    func strings(_ key: String) throws(ConstraintError) -> [String]? {
        guard let value = self[key] else { return nil }
        guard let strings = value.array.map({ $0.compactMap(\.string) }), strings.count == value.array?.count else {
            throw fault(.syntax, key, "a list of strings is expected")
        }
        return strings
    }
}

// Which kinds of values
extension SchemaParts {
    /// The types that are named; nil where none is.
    func namedTypes() throws(ConstraintError) -> [SchemaType]? {
        guard let value = self["type"] else { return nil }
        var types: [SchemaType] = []
        for name in value.array ?? [value] {
            guard let type = name.string.flatMap(SchemaType.init(rawValue:)) else { throw fault(.syntax, "type", "there is no type \(name.serialized())") }
            if !types.contains(type) { types.append(type) }
        }
        return types
    }

    /// The types that are written: the named ones, or those that the other keywords are about.
    func types() throws(ConstraintError) -> [SchemaType] {
        if let named = try namedTypes() { return named.contains(.number) ? named.filter { $0 != .integer } : named }
        let about: [(SchemaType, [String])] = [
            (.object, ["properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties"]),
            (.array, ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]), (.string, ["minLength", "maxLength", "pattern", "format"]),
            (.number, ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        ]
        let found = about.filter { $0.1.contains { keywords[$0] != nil } }.map(\.0)
        return found.isEmpty ? [.object, .array, .string, .number, .boolean, .null] : found
    }

    /// The values of `enum` and `const`; nil where neither is there.
    func candidates() throws(ConstraintError) -> [JSON]? {
        guard keywords["enum"] != nil || keywords["const"] != nil else { return nil }
        if let other = keywords.keys.sorted().first(where: { !["enum", "const", "type"].contains($0) }) {
            throw fault(.unsupported, other, "together with enum or const")
        }
        var values: [JSON] = []
        if let list = self["enum"] {
            guard let all = list.array else { throw fault(.syntax, "enum", "a list is expected, found \(list.kind)") }
            values = all
            if let only = self["const"] { values = values.filter { Self.same($0, only) } }
        } else if let only = self["const"] {
            values = [only]
        }
        guard let types = try namedTypes() else { return values }
        return values.filter { value in types.contains { Self.has(value, $0) } }
    }

    static func has(_ value: JSON, _ type: SchemaType) -> Bool {
        switch (type, value) {
        case (.null, .null), (.boolean, .bool), (.string, .string), (.array, .array), (.object, .object), (.number, .integer), (.number, .number): true
        case (.integer, .integer): true
        case (.integer, .number(let number)): number.rounded() == number
        default: false
        }
    }

    /// Equal as JSON schemas see it: 1 and 1.0 are.
    static func same(_ a: JSON, _ b: JSON) -> Bool {
        if let x = a.double, let y = b.double { return x == y }
        switch (a, b) {
        case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
        case (.object(let a), .object(let b)): return a.count == b.count && a.allSatisfy { member in b[member.key].map { same(member.value, $0) } ?? false }
        default: return a == b
        }
    }
}

// Two schemas at once
extension SchemaParts {
    /// Adds what another schema asks for; false where nothing can satisfy both.
    mutating func merge(_ other: SchemaParts) throws(ConstraintError) -> Bool {
        choices += other.choices
        try mergeMembers(other)
        for key in other.keywords.keys.sorted() {
            guard let theirs = other.keywords[key], !Self.ofMembers.contains(key) else { continue }
            guard let ours = keywords[key] else {
                keywords[key] = theirs
                continue
            }
            guard let merged = try Self.merged(key, ours, theirs) else { return false }
            keywords[key]?.value = merged
        }
        return true
    }

    private static let ofMembers: Set<String> = ["properties", "additionalProperties"]

    private static func merged(_ key: String, _ ours: Entry, _ theirs: Entry) throws(ConstraintError) -> JSON? {
        let (a, b) = (ours.value, theirs.value)
        switch key {
        case "required": return .array((a.array ?? []) + (b.array ?? []).filter { !(a.array ?? []).contains($0) })
        case "type": return common(types: a, b)
        case "enum":
            let values = (a.array ?? []).filter { value in (b.array ?? []).contains { same(value, $0) } }
            return values.isEmpty ? nil : .array(values)
        case "const": return same(a, b) ? a : nil
        case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties": return (a.double ?? 0) >= (b.double ?? 0) ? a : b
        case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties": return (a.double ?? 0) <= (b.double ?? 0) ? a : b
        case "items": return ["allOf": [a, b]]
        case "unevaluatedProperties", "uniqueItems": return a == b ? a : a.bool == true && key == "uniqueItems" ? a : b
        default:
            if a == b { return a }
            throw ConstraintError(.unsupported, at: theirs.path, keyword: key, "twice in schemas that have to hold together")
        }
    }

    private static func common(types a: JSON, _ b: JSON) -> JSON? {
        let (x, y) = (names(a), names(b))
        let both = x.filter { y.contains($0) || ($0 == "integer" && y.contains("number")) } + y.filter { $0 == "integer" && x.contains("number") && !x.contains("integer") }
        return both.isEmpty ? nil : .array(both.map { .string($0) })
    }

    private static func names(_ types: JSON) -> [String] { (types.array ?? [types]).compactMap(\.string) }

    /// A member has to satisfy what each of the two says of it: by name, or as one of the others.
    private mutating func mergeMembers(_ other: SchemaParts) throws(ConstraintError) {
        let path = other.keywords["properties"]?.path ?? other.keywords["additionalProperties"]?.path ?? "#"
        let (ours, theirs) = (try members("properties") ?? [:], try other.members("properties") ?? [:])
        let (oursElse, theirsElse) = (self["additionalProperties"], other["additionalProperties"])
        var merged = JSONObject()
        for key in ours.keys + theirs.keys where merged[key] == nil {
            let both = [ours[key] ?? oursElse, theirs[key] ?? theirsElse].compactMap { $0 }
            merged[key] = both.count == 1 ? both[0] : ["allOf": .array(both)]
        }
        if !merged.isEmpty { keywords["properties"] = Entry(value: .object(merged), path: keywords["properties"]?.path ?? path) }
        let rest = [oursElse, theirsElse].compactMap { $0 }
        if !rest.isEmpty {
            let value: JSON = rest.count == 1 ? rest[0] : rest.contains(false) ? false : ["allOf": .array(rest)]
            keywords["additionalProperties"] = Entry(value: value, path: keywords["additionalProperties"]?.path ?? path)
        }
    }
}

/// `oneOf` means one and no other: what is written for an alternative must not satisfy another one.
enum SchemaDisjointness {
    static func check(_ alternatives: [SchemaParts], _ rest: SchemaParts, _ path: String) throws(ConstraintError) {
        for (i, a) in alternatives.enumerated() {
            for (j, b) in alternatives.enumerated() where i != j {
                if try areDisjoint(written: a, other: b) { continue }
                throw ConstraintError(
                    .unsupported, at: path, keyword: "oneOf",
                    "alternatives \(min(i, j)) and \(max(i, j)) may both hold; give them different types, or a required property with different constants")
            }
        }
    }

    private static func areDisjoint(written a: SchemaParts, other b: SchemaParts) throws(ConstraintError) -> Bool {
        if let x = try simpleCandidates(a), let y = try simpleCandidates(b) { return !x.contains { value in y.contains { SchemaParts.same(value, $0) } } }
        let written = try a.types()
        if let valid = try b.namedTypes() {
            let overlaps = written.contains { type in valid.contains { $0 == type || Set([$0, type]) == [.integer, .number] } }
            if !overlaps { return true }
        }
        guard written == [.object] else { return false }
        for name in try a.strings("required") ?? [] where try excludes(b, name, as: a) { return true }
        return false
    }

    private static func simpleCandidates(_ parts: SchemaParts) throws(ConstraintError) -> [JSON]? {
        parts.choices.isEmpty && parts.keywords.keys.allSatisfy { ["enum", "const", "type"].contains($0) } ? try parts.candidates() : nil
    }

    /// True where `b` does not admit an object with the member `name` as `a` writes it.
    private static func excludes(_ b: SchemaParts, _ name: String, as a: SchemaParts) throws(ConstraintError) -> Bool {
        guard let theirs = try b.members("properties")?[name] else {
            return b["additionalProperties"] == false
        }
        guard let ours = try a.members("properties")?[name], let x = constants(ours), let y = constants(theirs) else { return false }
        return !x.contains { value in y.contains { SchemaParts.same(value, $0) } }
    }

    private static func constants(_ schema: JSON) -> [JSON]? { schema["const"].map { [$0] } ?? schema["enum"]?.array }
}
