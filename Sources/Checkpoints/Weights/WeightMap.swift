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

    let byOurs: [String: Int]

    public init(_ rows: [WeightRow], prefix: String = "", ignored: [String] = []) {
        self.rows = rows
        self.prefix = prefix
        self.ignored = ignored
        byOurs = Dictionary(rows.enumerated().map { ($1.ours, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The row for one of our parameters and the names it stands for there; nil where the table has none.
    func theirs(for ours: String) -> (row: WeightRow, names: [String])? {
        let (pattern, indices) = NamePattern.split(ours)
        guard let row = byOurs[pattern] else { return nil }
        return (rows[row], rows[row].theirs.names.map { NamePattern.fill($0, indices) })
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
    /// Theirs is ours plus a number: norms whose offset is stored with the weight.
    case shifted(String, by: Float)
    /// Several tensors that each hold `count` matrices (or vectors) of so many elements: in ours they take turns, the first of each, then the second.
    case alternating([String], shapes: [[Int]])
    /// The same numbers with axes of other sizes.
    case shaped(String, [Int])
    /// Stacked, each part's rows in an order of their own.
    case orderedStack([String], rows: [Int], orders: [RowOrder])

    public init(stringLiteral value: String) { self = .same(value) }

    var names: [String] {
        switch self {
        case .same(let name), .transposed(let name), .shifted(let name, _), .shaped(let name, _): [name]
        case .stacked(let names, _), .orderedStack(let names, _, _), .alternating(let names, _): names
        }
    }
}

infix operator <-> : AssignmentPrecedence

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
