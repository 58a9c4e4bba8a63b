public import QuintetTensors

/// One matrix of theirs inside a matrix of ours: which rows it has there, and in what order.
public struct MatrixPlace: Sendable {
    /// Their name of the tensor, `.weight` at its end.
    public let name: String
    /// Rows of ours.
    public let rows: Range<Int>
    /// Whether theirs is stored [in, out].
    public let isTurned: Bool
    private let order: Order

    private enum Order: Sendable {
        case rows(RowOrder)
        case grouped(HeadOrder)
    }

    /// Rows [rows, any] from their order to ours.
    public func toOurs(_ theirs: Tensor) -> Tensor {
        switch order {
        case .rows(let order): theirs.toOurs(order)
        case .grouped(let order): order.ours(theirs)
        }
    }

    /// Rows [rows, any] from our order to theirs.
    public func toTheirs(_ ours: Tensor) -> Tensor {
        switch order {
        case .rows(let order): ours.toTheirs(order)
        case .grouped(let order): order.theirs(ours)
        }
    }

    fileprivate init(_ name: String, _ rows: Range<Int>, _ order: RowOrder = .same, isTurned: Bool = false) {
        self.name = name
        self.rows = rows
        self.isTurned = isTurned
        self.order = .rows(order)
    }

    fileprivate init(_ name: String, _ rows: Range<Int>, grouped order: HeadOrder) {
        self.name = name
        self.rows = rows
        isTurned = false
        self.order = .grouped(order)
    }
}

extension WeightMap {
    /// Their matrices in one [outputs, inputs] of ours; none where columns move or the numbers are no matrix of theirs.
    public func matrices(in ours: String, outputs: Int) -> [MatrixPlace] {
        guard let (row, names) = theirs(for: ours) else { return [] }
        switch row.theirs {
        case .same: return [MatrixPlace(names[0], 0..<outputs)]
        case .transposed: return [MatrixPlace(names[0], 0..<outputs, isTurned: true)]
        case .grouped(_, let heads, let kvHeads, let width):
            return [MatrixPlace(names[0], 0..<outputs, grouped: HeadOrder(heads: heads, kvHeads: kvHeads, width: width))]
        case .stacked(_, let rows): return stacked(names, rows, rows.map { _ in .same })
        case .orderedStack(_, let rows, let orders): return stacked(names, rows, orders)
        case .arranged, .microscaled, .shifted, .alternating, .shaped, .negativeExponential, .headwise: return []
        }
    }

    private func stacked(_ names: [String], _ rows: [Int], _ orders: [RowOrder]) -> [MatrixPlace] {
        var start = 0
        return zip(names, zip(rows, orders)).map { name, part in
            defer { start += part.0 }
            return MatrixPlace(name, start..<start + part.0, part.1)
        }
    }
}
