public import QuintetFiles
public import QuintetTensors

extension WeightMap {
    /// Our parameters as tensors in their names and layouts, ready to be written; all in `type`, or each in its own.
    ///
    /// - Throws: `FileError` where the table has no row for a parameter.
    public func save(_ tensors: [(name: String, tensor: Tensor)], as type: DType? = nil) throws(FileError) -> [SafetensorsWriter.Item] {
        var items: [SafetensorsWriter.Item] = []
        for (name, tensor) in tensors {
            for part in try parts(of: name, tensor.shape.extents) { items.append(item(part.name, part.cut(tensor), type)) }
        }
        return items
    }

    private func item(_ name: String, _ tensor: Tensor, _ type: DType?) -> SafetensorsWriter.Item {
        let type = type ?? tensor.dtype
        return SafetensorsWriter.Item(name, SafetensorsType(type), tensor.shape.extents) { writer in
            let plain = tensor.contiguous().cast(to: type)
            try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.byteCount))
        }
    }

    /// What one of our parameters becomes in their names; `shape` is ours.
    ///
    /// - Throws: `FileError` where the table has no row for it.
    public func parts(of ours: String, _ shape: [Int]) throws(FileError) -> [WeightPart] {
        guard let (row, names) = theirs(for: ours) else {
            throw FileError("the family's weight table has no row for this parameter", field: ours)
        }
        guard row.theirs.isWritten else { throw FileError("weights of this kind are only read", field: ours) }
        return names.enumerated().map { WeightPart(name: $1, shape: row.theirs.shape(of: $0, in: shape), pattern: row.theirs, index: $0) }
    }
}

/// One tensor of theirs that a parameter of ours becomes.
public struct WeightPart: Sendable {
    public let name: String
    public let shape: [Int]
    let pattern: WeightPattern
    let index: Int

    /// Its numbers out of our parameter.
    public func cut(_ ours: Tensor) -> Tensor {
        switch pattern {
        case .same: ours
        case .transposed: ours.transposed
        case .shifted(_, let shift): ours.shifted(by: shift)
        case .arranged(_, let stored, let view, let axes): ours.disarranged(view, axes, into: stored)
        case .microscaled: preconditionFailure("MXFP4 blocks of this kind are only read")
        case .negativeExponential: ours.transposed.contiguous().negativeExponentials
        case .headwise(_, _, let heads, let keys, let values): Headwise(heads: heads, keyWidth: keys, valueWidth: values).part(index, of: ours)
        case .alternating(_, let shapes): Alternation(shapes).part(index, of: ours)
        case .shaped(_, let shape): ours.contiguous().reshaped(Shape(shape))
        case .grouped(_, let heads, let kvHeads, let width): HeadOrder(heads: heads, kvHeads: kvHeads, width: width).theirs(ours)
        case .stacked(_, let rows): ours.slice(0, range(rows))
        case .orderedStack(_, let rows, let orders): ours.slice(0, range(rows)).toTheirs(orders[index])
        }
    }

    private func range(_ rows: [Int]) -> Range<Int> {
        let start = rows[..<index].reduce(0, +)
        return start..<start + rows[index]
    }
}
