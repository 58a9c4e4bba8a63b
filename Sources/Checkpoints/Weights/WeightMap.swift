/// The two-way table between the weight names of a model's files and ours.
///
/// ```swift
/// let map = WeightMap([
///     "wte.weight" <-> "embedding.tokens.weight",
///     .transposed("h.{}.attn.c_attn.weight") <-> "blocks.{}.attention.qkv.weight",
///     .stacked(["q.{}", "k.{}", "v.{}"], rows: [64, 32, 32]) <-> "blocks.{}.attention.qkv.weight",
/// ])
/// ```
/// `{}` stands for an index. A row whose parameter the model does not have (a bias, say) is not used.
public struct WeightMap: Sendable {
    public let rows: [WeightRow]
    /// Stands before every name of theirs in most files; files without it load too (a model saved without its head).
    public let prefix: String
    /// Names of theirs that carry nothing to load: masks and other buffers of older files.
    public let ignored: [String]
    /// Other names under which a tensor of theirs may lie, where the one of the table is missing.
    public let aliases: [String: String]

    /// Beginnings of names of theirs that carry nothing to load: layers of other models in the same file.
    public let ignoredBelow: [String]

    let byOurs: [String: [Int]]
    /// Every name of theirs, as in the table.
    let known: Set<String>

    public init(
        _ rows: [WeightRow], prefix: String = "", ignored: [String] = [], ignoredBelow: [String] = [], aliases: [String: String] = [:]
    ) {
        self.rows = rows
        self.prefix = prefix
        self.ignored = ignored
        self.aliases = aliases
        self.ignoredBelow = ignoredBelow
        byOurs = Dictionary(rows.enumerated().map { ($1.ours, [$0]) }, uniquingKeysWith: +)
        known = Set(rows.flatMap(\.theirs.names)).union(aliases.values)
    }

    /// The row that one of our parameters is written by, and the names it stands for there; nil where the table has none.
    func theirs(for ours: String) -> (row: WeightRow, names: [String])? { choices(for: ours).first }

    /// Every way a parameter may lie in files, the usual one first.
    func choices(for ours: String) -> [(row: WeightRow, names: [String])] {
        let (pattern, indices) = NamePattern.split(ours)
        return (byOurs[pattern] ?? []).map { row in (rows[row], rows[row].theirs.names.map { NamePattern.fill($0, indices) }) }
    }
}

/// One row: names there, name here, and what is done to the numbers on the way.
public struct WeightRow: Sendable {
    public let theirs: WeightPattern
    public let ours: String
}

/// Names of theirs and how their numbers are laid out; `{}` stands for an index.
public enum WeightPattern: Sendable, ExpressibleByStringLiteral {
    /// As it is.
    case same(String)
    /// Stored [in, out]; ours is [out, in].
    case transposed(String)
    /// Several tensors whose rows, one after the other, are ours; `rows` says how many each has.
    case stacked([String], rows: [Int])
    /// q, k and v in one tensor, group by group: `heads / kvHeads` heads of q, then the head of k and the head of v that serve them;
    /// ours has all heads of q, then all of k, then all of v. A head has `width` rows.
    case grouped(String, heads: Int, kvHeads: Int, width: Int)
    /// Axes in another order: theirs [stored], seen as [view], with the axes `axes` of that, one after the other, are ours.
    case arranged(String, stored: [Int], view: [Int], axes: [Int])
    /// MXFP4 (OCP 2023): `NAME_blocks` u8 [matrices, rows, columns / 32, 16] and `NAME_scales` u8 [matrices, rows, columns / 32]; ours has
    /// [matrices * rows, columns]. Only read.
    case microscaled(String, matrices: Int, rows: Int, order: Microscaled.Order)
    /// Theirs is ours plus a number: norms whose offset is stored with the weight.
    case shifted(String, by: Float)
    /// Several tensors that each hold `count` matrices (or vectors) of so many elements: in ours they take turns, the first of each, then the second.
    case alternating([String], shapes: [[Int]])
    /// Theirs [columns, rows] holds minus the exponentials of ours [rows, columns].
    case negativeExponential(String)
    /// Ours has, head after head, rows of keys and rows of values; theirs has keys [heads, columns, keyWidth] and values [heads, valueWidth, columns].
    case headwise(keys: String, values: String, heads: Int, keyWidth: Int, valueWidth: Int)
    /// The same numbers with axes of other sizes.
    case shaped(String, [Int])
    /// Stacked, each part's rows in an order of their own.
    case orderedStack([String], rows: [Int], orders: [RowOrder])

    public init(stringLiteral value: String) { self = .same(value) }

    /// Names of theirs, patterns as in the table.
    public var names: [String] {
        switch self {
        case .same(let name), .transposed(let name), .shifted(let name, _), .shaped(let name, _), .grouped(let name, _, _, _),
            .arranged(let name, _, _, _), .negativeExponential(let name): [name]
        case .headwise(let keys, let values, _, _, _): [keys, values]
        case .microscaled(let name, _, _, _): ["\(name)_blocks", "\(name)_scales"]
        case .stacked(let names, _), .orderedStack(let names, _, _), .alternating(let names, _): names
        }
    }
}

infix operator <-> : AssignmentPrecedence

extension WeightPattern {
    /// Whether what is ours can be written so.
    var isWritten: Bool { if case .microscaled = self { false } else { true } }
}

/// A row of the table: their name on the left, ours on the right.
public func <-> (theirs: WeightPattern, ours: String) -> WeightRow { WeightRow(theirs: theirs, ours: ours) }

/// Names with indices: `blocks.3.norm1.weight` is `blocks.{}.norm1.weight` at 3.
enum NamePattern {
    static func split(_ name: String) -> (pattern: String, indices: [String]) {
        var indices: [String] = []
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map { part -> Substring in
            guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return part }
            indices.append(String(part))
            return "{}"
        }
        return (parts.joined(separator: "."), indices)
    }

    static func fill(_ pattern: String, _ indices: [String]) -> String {
        var rest = indices[...]
        let parts = pattern.split(separator: ".", omittingEmptySubsequences: false).map { part in
            part == "{}" ? Substring(rest.popFirst() ?? "{}") : part
        }
        return parts.joined(separator: ".")
    }
}
