import QuintetFiles

/// What a model is adapted on: rows to learn from, rows held out, and how they were found.
public struct AdaptData: Sendable {
    public var format: String
    public var train: [DataRow] = []
    public var validation: [DataRow] = []
    public var test: [DataRow] = []
    /// Rows that are no example, in the order of the files.
    public var skipped: [SkippedRow] = []
    /// Where the held-out rows are from, in words; empty until there are some, or have been looked for.
    public private(set) var heldOut = ""
    /// Files and their SHA-256.
    public var files: [(name: String, sha256: String)] = []
    /// Which of the file's fields are meant.
    private var fields = FieldNames()

    /// Names under which a folder's splits lie, the usual ones first.
    private static let splits = (train: ["train"], validation: ["valid", "validation", "val", "dev"], test: ["test"])
    private static let extensions = ["jsonl", "jsonl.gz", "json", "csv", "tsv"]

    /// Reads a file, or a folder with train, valid (or validation) and test files.
    ///
    /// - Throws: `FileError` with the line for what is no row, for mixed formats, and where nothing is left to learn from.
    public static func read(_ path: String, validation: String? = nil, fields: FieldNames = FieldNames()) throws -> AdaptData {
        let found = try files(path, validation)
        var data = AdaptData(format: "")
        data.fields = fields
        var format: DataFormat?
        func rows(_ file: String?) throws -> [DataRow] { try file.map { try data.read($0, &format) } ?? [] }
        data.train = try rows(found.train)
        data.validation = try rows(found.validation)
        data.test = try rows(found.test)
        data.format = format?.name ?? ""
        guard !data.train.isEmpty else { throw data.nothing(found.train) }
        if let file = found.validation { data.heldOut = Folder.name(of: file) }
        return data
    }

    private static func files(_ path: String, _ validation: String?) throws -> (train: String, validation: String?, test: String?) {
        guard Folder.isFolder(path) else { return (path, validation, nil) }
        func find(_ names: [String]) -> String? {
            for name in names {
                for ending in extensions {
                    let file = Folder.join(path, "\(name).\(ending)")
                    if Folder.isFile(file) { return file }
                }
            }
            return nil
        }
        guard let train = find(splits.train) else {
            let names = try Folder.names(in: path)
            throw FileError(
                "no training file in the folder", path: path, expected: "train.jsonl (or .json, .csv, .tsv), beside it valid and test",
                found: names.isEmpty ? "an empty folder" : names.prefix(8).joined(separator: ", "))
        }
        return (train, validation ?? find(splits.validation), find(splits.test))
    }

    private mutating func read(_ path: String, _ format: inout DataFormat?) throws -> [DataRow] {
        var rows: [DataRow] = []
        try DataFile(path: path).forEachRow { row, position in
            let row = try fields.applied(to: row, path, position, isFirst: format == nil)
            if format == nil, let found = DataFormats.of(row) { format = found }
            guard let format else {
                throw FileError(
                    "\(position.isLine ? "" : "row \(position.number): ")rows of no known format", path: path,
                    expected: "text; text and label; prompt and completion; messages; chosen and rejected; or another format of quintet adapt run --help",
                    found: row.isEmpty ? "no field" : "the fields \(row.keys.prefix(8).joined(separator: ", "))",
                    hint: "--text-field NAME and --label-field NAME say which fields are text and label"
                        + (["csv", "tsv"].contains(Folder.fileExtension(of: path)) ? "; the first line of a table names its columns" : ""),
                    line: position.isLine ? position.number : nil)
            }
            if !format.matches(row), let other = DataFormats.of(row), other.name != format.name {
                throw FileError(
                    "\(position.isLine ? "" : "row \(position.number): ")the formats of rows are mixed", path: path, expected: "\(format.name) (\(format.fields)), as before",
                    found: other.name, hint: "put rows of each format into a file of their own", line: position.isLine ? position.number : nil)
            }
            do throws(RowProblem) { rows.append(DataRow(example: try format.read(row), position: position, key: row.key)) } catch {
                skipped.append(SkippedRow(position: position, reason: error.reason))
            }
        }
        files.append((Folder.name(of: path), try sha256(file: path)))
        return rows
    }

    private func nothing(_ path: String) -> FileError {
        guard let first = skipped.first else { return FileError("the file holds no rows", path: path, expected: DataFormats.summary) }
        return FileError(
            "none of the \(skipped.count) rows can be learned from", path: path, found: "\(first.position): \(first.reason)",
            hint: "the format was taken to be \(format)")
    }

    /// Sets rows aside to measure on, where none came in a file of their own: one in twenty of the usable ones, at least one of two and at
    /// most 512, drawn by the seed. The others keep their order; copies of a row go where it goes.
    public mutating func holdOut(seed: UInt64, where isUsable: (DataRow) -> Bool = { _ in true }) {
        guard heldOut.isEmpty else { return }
        var groups: [UInt64: [Int]] = [:]
        var firsts: [Int] = []
        let usable = train.indices.filter { isUsable(train[$0]) }
        for index in usable {
            let row = train[index]
            if groups[row.key, default: []].isEmpty { firsts.append(index) }
            groups[row.key, default: []].append(index)
        }
        let wanted = firsts.count < 2 ? 0 : min(512, max(1, usable.count / 20))
        var chosen: Set<Int> = []
        // The last row of a class stays with those that are learned from.
        let areClasses = !Labels.areValues(train.lazy.compactMap(\.label))
        var left = Dictionary(usable.compactMap { train[$0].label }.map { (Labels.name($0), 1) }, uniquingKeysWith: +)
        let rows = train
        /// Copies of one row, or nil where a class would be left without any.
        func group(_ place: Int) -> [Int]? {
            let copies = groups[rows[firsts[place]].key] ?? []
            guard areClasses, let label = rows[firsts[place]].label.map(Labels.name) else { return copies }
            return left[label].map { $0 > copies.count } == true ? copies : nil
        }
        func take(_ copies: [Int]) {
            chosen.formUnion(copies)
            if let label = copies.first.flatMap({ rows[$0].label }) { left[Labels.name(label), default: 0] -= copies.count }
        }
        let order = Array(Shuffle(count: firsts.count, seed: seed ^ 0x5EED))
        for place in order.prefix(max(0, firsts.count - 1)) where chosen.count < wanted {
            if let copies = group(place), copies.count <= wanted - chosen.count { take(copies) }
        }
        // Where every row has more copies than are wanted, the fewest.
        if chosen.isEmpty, wanted > 0, let fewest = order.compactMap(group).min(by: { $0.count < $1.count }) { take(fewest) }
        heldOut = chosen.isEmpty ? "none" : "\(chosen.count) of the \(usable.count) rows, drawn by the seed"
        guard !chosen.isEmpty else { return }
        validation = train.indices.filter(chosen.contains).map { train[$0] }
        train = train.indices.filter { !chosen.contains($0) }.map { train[$0] }
    }

    /// Training rows that say what another one says.
    public var copies: Int { train.count - Set(train.map(\.key)).count }

    /// Held-out and test rows that are training rows, too: what is measured on them flatters.
    public var seen: Int {
        let learned = Set(train.map(\.key))
        return (validation + test).count { learned.contains($0.key) }
    }

    /// SHA-256 of all that is learned from and measured on.
    public var fingerprint: String { sha256(files.map { "\($0.sha256)\n" }.joined()) }
}

/// 0..<count in an order that depends on the seed alone (Fisher and Yates with SplitMix64).
struct Shuffle: Sequence {
    private var order: [Int]

    init(count: Int, seed: UInt64) {
        order = Array(0..<count)
        var state = seed
        for last in stride(from: count - 1, to: 0, by: -1) {
            state = state &+ 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            // The high bits of a 128-bit product: no modulo, and the bias is below 2^-32 for any count that fits into memory.
            order.swapAt(last, Int((z ^ z >> 31).multipliedFullWidth(by: UInt64(last + 1)).high))
        }
    }

    func makeIterator() -> IndexingIterator<[Int]> { order.makeIterator() }
}
