import QuintetTensors

/// Weights in MXFP4 as gpt-oss stores them, brought to blocks of our own: the numbers are the same, the nibbles lie in another order.
public enum Microscaled {
    /// The order of a matrix's rows in the file.
    public enum Order: Sendable, Equatable {
        case same
        /// One of the first half, one of the second, and so on: gate and up.
        case alternating
    }

    /// Blocks of theirs hold elements 2i and 2i + 1 in byte i; ours hold i and i + 16, behind their scale.
    static func tensor(blocks: Tensor, scales: Tensor, matrices: Int, rows: Int, columns: Int, _ order: Order) -> Tensor {
        let blocks = blocks.contiguous(), scales = scales.contiguous()
        let result = Tensor(uninitialized: [matrices * rows, columns], dtype: .mxfp4)
        let count = columns / 32
        for matrix in 0..<matrices {
            for row in 0..<rows {
                let from = matrix * rows + (order == .same ? row : row < rows / 2 ? 2 * row : 2 * (row - rows / 2) + 1)
                for block in 0..<count {
                    let source = UnsafeRawPointer(blocks.data) + (from * count + block) * 16
                    let target = result.data + ((matrix * rows + row) * count + block) * 17
                    target.storeBytes(of: scales.data.load(fromByteOffset: from * count + block, as: UInt8.self), as: UInt8.self)
                    for place in 0..<16 { target.storeBytes(of: nibbles(source, place), toByteOffset: 1 + place, as: UInt8.self) }
                }
            }
        }
        return result
    }

    private static func nibbles(_ source: UnsafeRawPointer, _ place: Int) -> UInt8 {
        func element(_ index: Int) -> UInt8 {
            let byte = source.load(fromByteOffset: index / 2, as: UInt8.self)
            return index % 2 == 0 ? byte & 15 : byte >> 4
        }
        return element(place) | element(place + 16) << 4
    }
}

extension Tensor {
    /// Theirs to ours: seen as `view`, axes in another order, in memory of its own under our shape.
    func arranged(_ view: [Int], _ axes: [Int], into shape: [Int]) -> Tensor {
        contiguous().reshaped(Shape(view)).permuted(axes).contiguous().reshaped(Shape(shape))
    }

    /// Ours back to theirs.
    func disarranged(_ view: [Int], _ axes: [Int], into stored: [Int]) -> Tensor {
        var inverse = axes
        for (to, from) in axes.enumerated() { inverse[from] = to }
        return contiguous().reshaped(Shape(axes.map { view[$0] })).permuted(inverse).contiguous().reshaped(Shape(stored))
    }
}
