public import QuintetFiles

/// A regex that has to match a text from its beginning to its end, in time linear in the text whatever the pattern.
///
///     try WholeMatch(#".*\.(q|v)_proj"#).matches("model.layers.0.self_attn.q_proj")  // true
public struct WholeMatch: Sendable {
    private let regex: LinearRegex

    /// `^` and `$` are the ends of the text.
    /// - Throws: `FileError` naming `source` and `field` where the pattern is none, or cannot run in linear time (references back).
    public init(_ pattern: String, source: String = "", field: String = "") throws(FileError) {
        // Read by itself first: a pattern that closes a group it did not open must not pass because of the one around it.
        _ = try LinearRegex(pattern, dialect: .rust, source: source, field: field)
        regex = try LinearRegex(#"\A(?:"# + pattern + #")\z"#, dialect: .rust, source: source, field: field)
    }

    public func matches(_ text: String) -> Bool {
        var isFound = false
        let bytes = Array(text.utf8)
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            regex.forEachMatch(in: TextBytes(base, buffer.count)) { _, _ in isFound = true }
        }
        return isFound
    }
}
