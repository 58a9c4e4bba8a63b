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
    var kind = ModelKind.bpe
    /// The model's members other than `type`, `vocab` and `merges`.
    var model = JSONObject()
    /// Token texts by insertion; `ids[i]` is the id of the i-th.
    var tokens = ByteStringTable()
    var ids: [Int32] = []
    /// Score of each token, for Unigram; by number, as `ids`.
    var scores: [Double] = []
    /// What each piece of a SentencePiece vocabulary is; empty where the file does not say.
    var pieceRoles: [PieceRole] = []
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

/// What a piece of a SentencePiece vocabulary is, by the number in the file.
enum PieceRole: UInt8, Sendable {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6

    /// True for pieces that text may become; the others only arise by other ways.
    var isFoundInText: Bool { self == .normal || self == .userDefined }
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
        kind = try Self.kind(of: model, source: source)
        for (key, value) in model where !["type", "vocab", "merges"].contains(key) { self.model[key] = value }
        if kind == .unigram { try readPieces(model["vocab"]) } else { try readVocabulary(model["vocab"]) }
        for (index, token) in addedTokens.enumerated() {
            if let known = tokens.index(of: token.content) { addedTokens[index].id = ids[known] }  // the vocabulary's id counts
        }
        try checkIDs()
        if kind == .bpe { try readMerges(model["merges"] ?? []) }
    }

    /// The algorithm by its name; files from before there were names are told apart by what they hold.
    private static func kind(of model: JSONObject, source: String) throws(FileError) -> ModelKind {
        if let type = model["type"], !type.isNull {
            if let kind = type.string.flatMap({ ModelKind(rawValue: $0) }) { return kind }
            throw FileError(
                "this model is not supported", path: source, field: "model.type",
                expected: ModelKind.allCases.map(\.rawValue).joined(separator: ", "), found: type.serialized())
        }
        if model["merges"] != nil { return .bpe }
        if model["vocab"]?.array != nil { return .unigram }
        return model["max_input_chars_per_word"] != nil ? .wordPiece : model["unk_token"] != nil ? .wordLevel : .bpe
    }

    /// A Unigram vocabulary: pairs of piece and score, in the order of their ids.
    private mutating func readPieces(_ json: JSON?) throws(FileError) {
        guard let entries = json?.array, !entries.isEmpty else {
            throw FileError(
                "the vocabulary is missing", path: source, field: "model.vocab", expected: "an array of [piece, score]",
                found: json?.kind ?? "nothing")
        }
        tokens = ByteStringTable(capacity: entries.count)
        for (index, entry) in entries.enumerated() {
            guard entry.array?.count == 2, let piece = entry[0]?.string, let score = entry[1]?.double, score.isFinite else {
                throw FileError(
                    "not a piece", path: source, field: "model.vocab[\(index)]", expected: "[text, finite score]",
                    found: entry.serialized())
            }
            guard tokens.insert(piece).isNew else {
                throw FileError("a piece is there twice", path: source, field: "model.vocab[\(index)]", found: piece)
            }
            ids.append(Int32(index))
            scores.append(score)
        }
    }

    mutating func readVocabulary(_ json: JSON?) throws(FileError) {
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
    func checkIDs() throws(FileError) {
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
    mutating func readMerges(_ json: JSON) throws(FileError) {
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
            // By bytes: a mark that combines with the prefix's last character is no part of it.
            joined.append(contentsOf: right.utf8.dropFirst(right.utf8.starts(with: prefix.utf8) ? prefix.utf8.count : 0))
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
