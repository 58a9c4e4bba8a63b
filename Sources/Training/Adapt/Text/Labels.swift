import QuintetFiles

/// The classes of a data set, in the order of their indices.
public struct Labels: Sendable, Equatable {
    public let names: [String]
    private let indices: [String: Int]

    public init(_ names: [String]) {
        self.names = names
        indices = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Every label that occurs, as it is written: whole numbers in their order, else texts in theirs.
    init(of labels: some Sequence<JSON>) {
        let found = Set(labels.map(Self.name)).sorted(), numbers = found.compactMap { Int($0) }
        self.init(numbers.count == found.count ? zip(numbers, found).sorted { $0 < $1 }.map(\.1) : found)
    }

    public var count: Int { names.count }

    /// - Throws: `RowProblem` where the label is none of the training rows'.
    func index(of label: JSON) throws(RowProblem) -> Int {
        let name = Self.name(label)
        guard let index = indices[name] else {
            throw RowProblem("the label \(quoted(name)) is none of \(names.prefix(12).map(quoted).joined(separator: ", "))\(names.count > 12 ? ", ..." : "")")
        }
        return index
    }

    static func name(_ label: JSON) -> String { label.string ?? label.int.map(String.init) ?? label.serialized() }

    /// Whether the labels are numbers with fractions, so that values are meant.
    static func areValues(_ labels: some Sequence<JSON>) -> Bool {
        var hasFraction = false
        for label in labels {
            guard let value = number(label) else { return false }
            hasFraction = hasFraction || value != value.rounded()
        }
        return hasFraction
    }

    /// A number, also one that a table holds as text.
    static func number(_ label: JSON) -> Double? { (label.double ?? label.string.flatMap(Double.init)).flatMap { $0.isFinite ? $0 : nil } }
}
