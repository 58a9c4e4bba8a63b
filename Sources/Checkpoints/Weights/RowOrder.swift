import QuintetTensors

/// The order in which a file keeps the rows of a matrix, where it is not ours.
public enum RowOrder: Sendable, Equatable {
    case same
    /// Within each of `heads` heads, rows `i` and `i + half` of ours lie beside each other: rotary pairs that are neighbors.
    case pairs(heads: Int)

    /// Their row for each of ours; nil where nothing changes.
    func theirs(of rows: Int) -> [Int]? {
        switch self {
        case .same: return nil
        case .pairs(let heads): return paired(rows, heads)
        }
    }

    /// Our row for each of theirs.
    func ours(of rows: Int) -> [Int]? {
        guard let order = theirs(of: rows) else { return nil }
        var back = [Int](repeating: 0, count: rows)
        for (ours, theirs) in order.enumerated() { back[theirs] = ours }
        return back
    }
}

private func paired(_ rows: Int, _ heads: Int) -> [Int] {
    let width = rows / max(heads, 1)
    return (0..<rows).map { row in
        let (head, place) = (row / width, row % width)
        return head * width + (place < width / 2 ? 2 * place : 2 * (place - width / 2) + 1)
    }
}

extension Tensor {
    /// The rows from their order to ours.
    func toOurs(_ order: RowOrder) -> Tensor { reordered(order.theirs(of: shape[0])) }

    /// The rows from our order to theirs.
    func toTheirs(_ order: RowOrder) -> Tensor { reordered(order.ours(of: shape[0])) }

    /// Row `i` of the result is row `order[i]` of this tensor, whatever its type: rows are moved as bytes.
    private func reordered(_ order: [Int]?) -> Tensor {
        guard let order else { return self }
        let source = contiguous()
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let bytes = dtype.bytes(source.count / order.count)
        for (row, from) in order.enumerated() {
            (result.data + row * bytes).copyMemory(from: source.data + from * bytes, byteCount: bytes)
        }
        return result
    }

    /// Every element plus `shift`, in f32.
    func shifted(by shift: Float) -> Tensor { Tensor(floats.map { $0 + shift }, shape) }
}
