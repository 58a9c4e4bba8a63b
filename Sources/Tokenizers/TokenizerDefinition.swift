import QuintetFiles

/// Everything a `tokenizer.json` says, before it is made to run: the slots as written, the vocabulary, the merges.
///
/// A trained tokenizer is built as a definition too, so what we train takes the same path as what we load.
struct TokenizerDefinition: Sendable {
    var addedTokens: [AddedToken] = []
    var normalizer: JSON = .null
    var preTokenizer: JSON = .null
    var postProcessor: JSON = .null
    var decoder: JSON = .null
    var truncation: JSON = .null
    var padding: JSON = .null
    /// The model's members other than `vocab` and `merges`.
    var model = JSONObject()
    /// Token texts by insertion; `ids[i]` is the id of the i-th.
    var tokens = ByteStringTable()
    var ids: [Int32] = []
    /// Merges in rank order, as pairs of ids.
    var merges: [Merge] = []
    /// Where it came from, for errors.
    var source = "tokenizer"

    struct Merge: Sendable, Equatable {
        var left: Int32
        var right: Int32
        var id: Int32
    }
}

extension TokenizerDefinition {
    /// Reads the JSON of a `tokenizer.json`.
    init(_ json: JSON, source: String) throws(FileError) {
        guard let object = json.object else {
            throw FileError("not a tokenizer", path: source, expected: "an object", found: json.kind)
        }
        guard let model = object["model"]?.object else {
            throw FileError(
                "not a tokenizer.json", path: source, field: "model", expected: "an object",
                found: object["model"]?.kind ?? "nothing")
        }
        self.source = source
        normalizer = object["normalizer"] ?? .null
        preTokenizer = object["pre_tokenizer"] ?? .null
        postProcessor = object["post_processor"] ?? .null
        decoder = object["decoder"] ?? .null
        truncation = object["truncation"] ?? .null
        padding = object["padding"] ?? .null
        addedTokens = try AddedToken.list(object["added_tokens"] ?? [], source: source)
        for (key, value) in model where key != "vocab" && key != "merges" { self.model[key] = value }
        try readVocabulary(model["vocab"])
        try checkIDs()
        try readMerges(model["merges"] ?? [])
    }

    private mutating func readVocabulary(_ json: JSON?) throws(FileError) {
        guard let entries = json?.object else {
            throw FileError(
                "the vocabulary is missing", path: source, field: "model.vocab", expected: "an object of token to id",
                found: json?.kind ?? "nothing")
        }
        tokens = ByteStringTable(capacity: entries.count)
        ids.reserveCapacity(entries.count)
        for (token, value) in entries {
            guard let id = value.int, let small = Int32(exactly: id), small >= 0 else {
                throw FileError(
                    "not a token id", path: source, field: "model.vocab.\(token)", expected: "0 to \(Int32.max)",
                    found: value.serialized())
            }
            tokens.insert(token)
            ids.append(small)
        }
    }

    /// Ids of the vocabulary and the added tokens must fill 0..<n: a duplicate or a gap means a damaged file.
    private func checkIDs() throws(FileError) {
        let total = ids.count + addedTokens.count
        var seen = [Bool](repeating: false, count: total)
        for (index, id) in ids.enumerated() {
            let name = String(decoding: tokens[index], as: UTF8.self)
            try place(id, name, in: &seen, isAdded: false)
        }
        for token in addedTokens { try place(token.id, token.content, in: &seen, isAdded: true) }
        if let gap = seen.firstIndex(of: false), seen[gap...].contains(true) {
            throw FileError(
                "token ids have a gap", path: source, field: "model.vocab", expected: "a token with id \(gap)", found: "none")
        }
    }

    private func place(_ id: Int32, _ name: String, in seen: inout [Bool], isAdded: Bool) throws(FileError) {
        guard id >= 0, Int(id) < seen.count else {
            throw FileError(
                "token id out of range", path: source, field: name, expected: "0 to \(max(seen.count - 1, 0))", found: "\(id)")
        }
        if seen[Int(id)], !isAdded {
            throw FileError("two tokens have the same id", path: source, field: name, found: "\(id)")
        }
        seen[Int(id)] = true
    }

    /// Merges are written as "a b" or ["a", "b"]; every part and every result must be in the vocabulary.
    private mutating func readMerges(_ json: JSON) throws(FileError) {
        guard let list = json.array else {
            throw FileError("not a list of merges", path: source, field: "model.merges", found: json.kind)
        }
        merges.reserveCapacity(list.count)
        let prefix = model["continuing_subword_prefix"]?.string ?? ""
        var joined: [UInt8] = []
        for (rank, entry) in list.enumerated() {
            guard let (left, right) = Self.parts(entry) else {
                throw FileError(
                    "not a merge", path: source, field: "model.merges[\(rank)]", expected: "two tokens",
                    found: entry.serialized())
            }
            joined.removeAll(keepingCapacity: true)
            joined.append(contentsOf: left.utf8)
            joined.append(contentsOf: right.utf8.dropFirst(right.hasPrefix(prefix) ? prefix.utf8.count : 0))
            guard let a = id(of: left), let b = id(of: right), let c = tokens.index(of: joined).map({ ids[$0] }) else {
                throw FileError(
                    "a merge names a token that is not in the vocabulary", path: source, field: "model.merges[\(rank)]",
                    found: entry.serialized())
            }
            merges.append(Merge(left: a, right: b, id: c))
        }
    }

    private func id(of token: Substring) -> Int32? { token.isEmpty ? nil : tokens.index(of: token).map { ids[$0] } }

    private static func parts(_ entry: JSON) -> (Substring, Substring)? {
        if let pair = entry.array {
            guard pair.count == 2, let a = pair[0].string, let b = pair[1].string else { return nil }
            return (a[...], b[...])
        }
        guard let text = entry.string else { return nil }
        let parts = text.utf8.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 2 ? (Substring(parts[0]), Substring(parts[1])) : nil
    }
}
