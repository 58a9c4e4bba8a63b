/// Why an output format cannot be held to. It comes before the first token: a constraint is honored or refused, never dropped.
public struct ConstraintError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// The text is no grammar, pattern or schema.
        case syntax
        /// A keyword or construct that cannot be held to exactly.
        case unsupported
        /// Nothing satisfies it.
        case unsatisfiable
        /// It is larger than what is allowed.
        case limit
        /// The tokenizer cannot spell what it asks for.
        case vocabulary
    }

    public let kind: Kind
    /// Where: `line 3`, or the path in a schema such as `#/properties/age`.
    public let place: String
    /// The keyword of a schema, where one is to blame.
    public let keyword: String?
    public let what: String

    public init(_ kind: Kind, at place: String, keyword: String? = nil, _ what: String) {
        self.kind = kind
        self.place = place
        self.keyword = keyword
        self.what = what
    }

    public var description: String {
        let subject = keyword.map { "\(place), \"\($0)\"" } ?? place
        return "\(subject): \(what) (\(kind.rawValue))"
    }
}
