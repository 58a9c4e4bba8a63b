internal import QuintetFiles

/// The two parts of a dataset; every document belongs to exactly one.
public enum Split: String, Sendable, CaseIterable { case train, validation }

/// What the index says about one shard file.
struct ShardEntry: Equatable, Sendable {
    var file: String
    var documents: Int
    var tokens: Int
    var textBytes: Int
    var sha256: String
}

/// `data.json` of a shard folder: which shards there are, made by which tokenizer, split how.
struct DatasetIndex: Equatable, Sendable {
    static let name = "data.json"

    var tokenizer: String
    var vocabularySize: Int
    var endOfText: Int
    var holdOut: HoldOut
    /// File and SHA-256 of the table of token lengths in bytes (u16 each).
    var lengthsFile: String
    var lengthsDigest: String
    var shards: [Split: [ShardEntry]]

    var json: JSON {
        var out: JSON = [
            "format": "quintet-tokens", "version": 1,
            "tokenizer": [
                "fingerprint": .string(tokenizer), "vocabulary_size": JSON(vocabularySize), "end_of_text": JSON(endOfText),
            ],
            "hold_out": holdOut.json, "lengths": ["file": .string(lengthsFile), "sha256": .string(lengthsDigest)],
        ]
        for split in Split.allCases { out[split.rawValue] = Self.json(shards[split] ?? []) }
        return out
    }

    private static func json(_ shards: [ShardEntry]) -> JSON {
        let rows = shards.map { shard -> JSON in
            [
                "file": .string(shard.file), "documents": JSON(shard.documents), "tokens": JSON(shard.tokens),
                "text_bytes": JSON(shard.textBytes), "sha256": .string(shard.sha256),
            ]
        }
        return [
            "documents": JSON(shards.reduce(0) { $0 + $1.documents }), "tokens": JSON(shards.reduce(0) { $0 + $1.tokens }),
            "text_bytes": JSON(shards.reduce(0) { $0 + $1.textBytes }), "shards": .array(rows),
        ]
    }

    static func read(_ folder: String) throws(FileError) -> DatasetIndex {
        let path = Folder.join(folder, name)
        guard Folder.isFolder(folder), Folder.exists(path) else {
            throw FileError(
                "not a folder of token shards", path: folder, expected: "a folder with \(name)",
                found: Folder.kind(of: folder).map { $0 + " without it" } ?? "nothing",
                hint: "make one with `quintet tokenize DIR --tokenizer T --into DIR`")
        }
        let top = Fields(try JSON.read(path), path: path)
        guard try top.string("format") == "quintet-tokens", try top.int("version", 0...1 << 20) == 1 else {
            throw FileError("unknown kind of index", path: path, field: "format", expected: "quintet-tokens, version 1")
        }
        let (tokenizer, lengths) = (try top.object("tokenizer"), try top.object("lengths"))
        var shards: [Split: [ShardEntry]] = [:]
        for split in Split.allCases { shards[split] = try entries(try top.object(split.rawValue)) }
        return DatasetIndex(
            tokenizer: try tokenizer.string("fingerprint"),
            vocabularySize: try tokenizer.int("vocabulary_size", 1...1 << 28),
            endOfText: try tokenizer.int("end_of_text", 0...1 << 28), holdOut: try HoldOut(try top.object("hold_out")),
            lengthsFile: try fileName(lengths), lengthsDigest: try lengths.string("sha256"), shards: shards)
    }

    private static func entries(_ split: Fields) throws(FileError) -> [ShardEntry] {
        var entries: [ShardEntry] = []
        for row in try split.objects("shards") {
            entries.append(
                ShardEntry(
                    file: try fileName(row), documents: try row.int("documents"), tokens: try row.int("tokens"),
                    textBytes: try row.int("text_bytes"), sha256: try row.string("sha256")))
        }
        return entries
    }

    /// A name that stays inside the folder.
    private static func fileName(_ fields: Fields) throws(FileError) -> String {
        let name = try fields.string("file")
        if name.hasPrefix("/") || name.split(separator: "/").contains("..") {
            throw fields.error("file", "a name inside the folder", name)
        }
        return name
    }
}

/// Typed access to the members of a JSON object from a file; each failure names the file and the field.
struct Fields {
    let value: JSON
    let path: String
    let prefix: String

    init(_ value: JSON, path: String, prefix: String = "") {
        self.value = value
        self.path = path
        self.prefix = prefix
    }

    func error(_ key: String, _ expected: String, _ found: String) -> FileError {
        FileError("bad field", path: path, field: prefix + key, expected: expected, found: found)
    }

    private func member<T>(_ key: String, _ expected: String, _ read: (JSON) -> T?) throws(FileError) -> T {
        guard let member = value[key] else { throw error(key, expected, "nothing") }
        guard let result = read(member) else { throw error(key, expected, member.kind) }
        return result
    }

    func string(_ key: String) throws(FileError) -> String { try member(key, "a string") { $0.string } }
    func double(_ key: String) throws(FileError) -> Double { try member(key, "a number") { $0.double } }

    func int(_ key: String, _ range: ClosedRange<Int> = 0...1 << 56) throws(FileError) -> Int {
        let value = try member(key, "an integer") { $0.int }
        guard range.contains(value) else { throw error(key, "\(range.lowerBound) to \(range.upperBound)", "\(value)") }
        return value
    }

    func object(_ key: String) throws(FileError) -> Fields {
        Fields(.object(try member(key, "an object") { $0.object }), path: path, prefix: prefix + key + ".")
    }

    func objects(_ key: String) throws(FileError) -> [Fields] {
        let values = try member(key, "an array") { $0.array }
        return values.enumerated().map { Fields($1, path: path, prefix: "\(prefix)\(key)[\($0)].") }
    }
}
