import QuintetFiles

/// Where in a tokenizer.json a slot stands, with readers for what slots have in common.
struct SlotPlace {
    let source: String
    let field: String

    /// Longest text a replacement, prefix or pattern may have, bytes.
    static let longestText = 4096

    func error(_ what: String, _ member: String, expected: String, _ found: JSON?) -> FileError {
        FileError(what, path: source, field: field + "." + member, expected: expected, found: found?.serialized() ?? "nothing")
    }

    func unknown(_ kind: String, _ json: JSON) -> FileError {
        FileError(
            "this \(kind) is not supported", path: source, field: field + ".type", expected: "a type of the tokenizers format",
            found: json["type"]?.serialized() ?? json.kind)
    }

    func text(_ json: JSON?, _ member: String) throws(FileError) -> [UInt8] {
        guard let text = json?.string, text.utf8.count <= Self.longestText else {
            throw FileError(
                "not supported here", path: source, field: field + "." + member, expected: "at most \(Self.longestText) bytes of text",
                found: json?.string.map { "\($0.utf8.count) bytes" } ?? json?.kind ?? "nothing")
        }
        return Array(text.utf8)
    }

    func character(_ json: JSON?, _ member: String) throws(FileError) -> [UInt8] {
        guard let text = json?.string, text.unicodeScalars.count == 1 else {
            throw error("not a character", member, expected: "one character", json)
        }
        return Array(text.utf8)
    }

    func length(_ json: JSON?, _ member: String) throws(FileError) -> Int {
        guard let length = json?.int, length > 0 else { throw error("not a length", member, expected: "1 or more", json) }
        return length
    }

    func behavior(_ json: JSON) throws(FileError) -> SplitBehavior {
        guard let value = json["behavior"], !value.isNull else { return .isolated }
        guard let behavior = value.string.flatMap({ SplitBehavior(rawValue: $0) }) else {
            throw error(
                "this behavior is not supported", "behavior",
                expected: SplitBehavior.allCases.map(\.rawValue).joined(separator: ", "), value)
        }
        return behavior
    }

    /// `{"String": ..}` or `{"Regex": ..}`.
    func pattern(_ json: JSON?) throws(FileError) -> SplitPattern {
        if let regex = json?["Regex"]?.string {
            return .regex(try LinearRegex(regex, source: source, field: field + ".pattern.Regex"))
        }
        let text = try text(json?["String"], "pattern.String")
        guard !text.isEmpty else { throw error("there is nothing to look for", "pattern.String", expected: "text", json) }
        return .text(text)
    }

    /// `prepend_scheme`, or the older `add_prefix_space`.
    func metaspace(_ json: JSON) throws(FileError) -> Metaspace {
        let replacement = json["replacement"] == nil ? Metaspace.usual : try character(json["replacement"], "replacement")
        var prepending = Metaspace.Prepending.always
        if let value = json["prepend_scheme"], !value.isNull {
            guard let scheme = value.string.flatMap({ Metaspace.Prepending(rawValue: $0) }) else {
                throw error("not a prepend scheme", "prepend_scheme", expected: "always, first or never", value)
            }
            prepending = scheme
        } else if json["add_prefix_space"]?.bool == false {
            prepending = .never
        }
        return Metaspace(replacement: replacement, prepending: prepending, splits: json["split"]?.bool ?? true)
    }
}
