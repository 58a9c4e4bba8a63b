import QuintetFiles

/// A token that is found in the text before anything else happens to it: `<|endoftext|>`, `[MASK]`.
public struct AddedToken: Sendable, Equatable {
    public var id: Int32
    public var content: String
    /// Only where it is no part of a longer word.
    public var singleWord = false
    /// Takes the spaces on its left (`[MASK]` in RoBERTa).
    public var stripsLeft = false
    public var stripsRight = false
    /// Searched for in the normalized text instead of the raw text.
    public var normalized = false
    /// Skipped by `decode(skipSpecialTokens: true)`.
    public var special = true
    /// Found in text; SentencePiece's control pieces are not. No part of a tokenizer.json.
    public var isSearched = true

    public init(id: Int32, content: String) {
        self.id = id
        self.content = content
    }

    /// Longest content accepted, bytes: longer ones are no tokens but an attack on the search.
    static let longest = 1024

    static func list(_ json: JSON, source: String) throws(FileError) -> [AddedToken] {
        guard let entries = json.isNull ? [] : json.array else {
            throw FileError("not a list", path: source, field: "added_tokens", expected: "an array", found: json.kind)
        }
        var tokens: [AddedToken] = []
        for (index, entry) in entries.enumerated() {
            tokens.append(try AddedToken(entry, source: source, field: "added_tokens[\(index)]"))
        }
        return tokens
    }

    init(_ json: JSON, source: String, field: String) throws(FileError) {
        guard let id = json["id"]?.int, let small = Int32(exactly: id), small >= 0 else {
            throw FileError(
                "not a token id", path: source, field: field + ".id", expected: "0 to \(Int32.max)",
                found: json["id"]?.serialized() ?? "nothing")
        }
        guard let content = json["content"]?.string, !content.isEmpty, content.utf8.count <= Self.longest else {
            throw FileError(
                "not a token", path: source, field: field + ".content", expected: "1 to \(Self.longest) bytes of text",
                found: json["content"]?.string.map { "\($0.utf8.count) bytes" } ?? "nothing")
        }
        self.init(id: small, content: content)
        singleWord = json["single_word"]?.bool ?? false
        stripsLeft = json["lstrip"]?.bool ?? false
        stripsRight = json["rstrip"]?.bool ?? false
        special = json["special"]?.bool ?? false
        normalized = json["normalized"]?.bool ?? !special
    }

    var json: JSON {
        [
            "id": JSON(id), "content": JSON(content), "single_word": JSON(singleWord), "lstrip": JSON(stripsLeft),
            "rstrip": JSON(stripsRight), "normalized": JSON(normalized), "special": JSON(special),
        ]
    }
}
