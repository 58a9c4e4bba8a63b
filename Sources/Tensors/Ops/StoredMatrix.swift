import CQuintetKernels

/// How products with frozen weights take their operands; sums are f32.
public enum FrozenArithmetic: String, Sendable, CaseIterable {
    /// As they are.
    case exact = "f32"
    /// Rounded to bf16, which some machines multiply twice as fast; elsewhere as they are.
    case brain = "bf16"
    /// Activations rounded to the type of the weights they meet, f16 or (where that is faster) bf16, as llama.cpp does.
    case stored

    /// How activations that meet plain weights of a type that lie as they are are taken: n15 of a product.
    func rounding(_ dtype: DType) -> Int64 {
        switch self {
        case .exact: 0
        case .brain: 1
        case .stored: dtype == .bf16 ? 1 : dtype == .f16 ? 2 : 0
        }
    }
}

/// A frozen weight matrix as the files hold it: parts whose rows, one after the other, are the matrix, each in its own type.
///
/// Parts are multiplied with where they lie, in both directions, block formats as the numbers they stand for: so a quantized model is trained on
/// (adapters, heads) in little more than its own memory.
public struct StoredMatrix: Sendable {
    public let outputs: Int, inputs: Int
    public let arithmetic: FrozenArithmetic
    private let parts: [Tensor]

    /// Numbers made of blocks at once where the kernels do not read them.
    private static let chunk = 1 << 20

    /// `parts` [rows, inputs] each; plain ones of one type are laid together.
    public init(_ parts: [Tensor], _ arithmetic: FrozenArithmetic = .exact) {
        precondition(!parts.isEmpty && parts.allSatisfy { $0.shape.rank == 2 && $0.shape[1] == parts[0].shape[1] })
        outputs = parts.reduce(0) { $0 + $1.shape[0] }
        inputs = parts[0].shape[1]
        self.arithmetic = arithmetic
        let isPlain = parts.allSatisfy { $0.dtype == parts[0].dtype && !$0.dtype.isBlockFormat }
        self.parts = isPlain && parts.count > 1 ? [Self.joined(parts)] : parts.map { $0.contiguous().detached }
    }

    private static func joined(_ parts: [Tensor]) -> Tensor {
        let whole = concatenate(parts, axis: 0)
        for part in parts { part.discardPages() }
        return whole
    }

    /// The same weights, multiplied with as they are.
    var exact: StoredMatrix { StoredMatrix(parts) }

    /// Bytes as stored.
    public var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

    /// Calls `body` with matrices that products take and the rows they are, from the first to the last.
    func forEachPart(_ body: (_ rows: Range<Int>, _ matrix: Tensor) -> Void) {
        guard qk_gemm_reads_blocks() else { return forEachWindow(body) }
        var start = 0
        for part in parts {
            body(start..<start + part.shape[0], part)
            start += part.shape[0]
        }
    }

    /// Calls `body` with plain matrices and the rows they are, from the first to the last.
    private func forEachWindow(_ body: (_ rows: Range<Int>, _ plain: Tensor) -> Void) {
        var start = 0
        for part in parts {
            let rows = part.shape[0]
            let step = part.dtype.isBlockFormat ? max(16, Self.chunk / max(inputs, 1) / 16 * 16) : max(rows, 1)
            for first in stride(from: 0, to: rows, by: step) {
                let range = first..<min(first + step, rows)
                body(start + range.lowerBound..<start + range.upperBound, plain(part, range))
            }
            start += rows
        }
    }

    private func plain(_ part: Tensor, _ range: Range<Int>) -> Tensor {
        part.dtype.isBlockFormat ? part.slice(0, range).cast(to: .f32) : part.slice(0, range)
    }

    /// The sum of squares of each row, [outputs].
    public var rowSquares: Tensor {
        let squares = Tensor(uninitialized: [outputs])
        forEachWindow { rows, plain in squares.slice(0, rows).copyIn(reduce(plain.cast(to: .f32), .sumOfSquares)) }
        return squares
    }
}
