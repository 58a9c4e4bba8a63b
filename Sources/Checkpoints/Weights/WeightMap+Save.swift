public import QuintetFiles
public import QuintetTensors

extension WeightMap {
    /// Our parameters as tensors in their names and layouts, ready to be written; all in `type`, or each in its own.
    ///
    /// - Throws: `FileError` where the table has no row for a parameter.
    public func save(_ tensors: [(name: String, tensor: Tensor)], as type: DType? = nil) throws(FileError) -> [SafetensorsWriter.Item] {
        var items: [SafetensorsWriter.Item] = []
        for (name, tensor) in tensors {
            guard let (row, names) = theirs(for: name) else {
                throw FileError("the family's weight table has no row for this parameter", field: name)
            }
            switch row.theirs {
            case .same: items.append(item(names[0], tensor, type))
            case .transposed: items.append(item(names[0], tensor.transposed, type))
            case .grouped(_, let heads, let kvHeads, let width):
                items.append(item(names[0], HeadOrder(heads: heads, kvHeads: kvHeads, width: width).theirs(tensor), type))
            case .stacked(_, let rows):
                var start = 0
                for (name, count) in zip(names, rows) {
                    items.append(item(name, tensor.slice(0, start..<start + count), type))
                    start += count
                }
            }
        }
        return items
    }

    private func item(_ name: String, _ tensor: Tensor, _ type: DType?) -> SafetensorsWriter.Item {
        let type = type ?? tensor.dtype
        return SafetensorsWriter.Item(name, SafetensorsType(type), tensor.shape.extents) { writer in
            let plain = tensor.contiguous().cast(to: type)
            try writer.write(UnsafeRawBufferPointer(start: plain.data, count: plain.count * type.byteCount))
        }
    }
}
