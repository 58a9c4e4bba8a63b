import CQuintetKernels

/// The right side of a matrix product: weights [outputs, inputs]; dense, packed once for inference in the order in which the kernels read them, frozen as
/// they are stored, or any of these with what an adapter adds.
public enum Weight: Sendable {
    /// [outputs, inputs], f32, f16 or bf16.
    case dense(Tensor)
    /// Panels of f32, f16 or bf16.
    case packed(PackedMatrix)
    /// Panels of block formats, as they are stored.
    case quantized(QuantizedMatrix)
    /// Frozen, in the types of the files: gradients pass through to the input, none is kept for the weights.
    case stored(StoredMatrix)
    /// A weight and the low-rank change of an adapter.
    indirect case adapted(AdaptedMatrix)

    public var outputs: Int {
        switch self {
        case .dense(let tensor): tensor.shape[0]
        case .packed(let matrix): matrix.outputs
        case .quantized(let matrix): matrix.outputs
        case .stored(let matrix): matrix.outputs
        case .adapted(let matrix): matrix.base.outputs
        }
    }

    public var inputs: Int {
        switch self {
        case .dense(let tensor): tensor.shape[1]
        case .packed(let matrix): matrix.inputs
        case .quantized(let matrix): matrix.inputs
        case .stored(let matrix): matrix.inputs
        case .adapted(let matrix): matrix.base.inputs
        }
    }

    /// Bytes that a product reads.
    public var byteCount: Int {
        switch self {
        case .dense(let tensor): tensor.byteCount
        case .packed(let matrix): matrix.byteCount
        case .quantized(let matrix): matrix.byteCount
        case .stored(let matrix): matrix.byteCount
        case .adapted(let matrix): matrix.byteCount
        }
    }
}

extension Weight {
    /// Where the right side of a product lies, and how.
    func place(in call: inout KernelCall) {
        call.p.2 = address
        switch self {
        case .dense(let w):
            call.n.5 = Int64(w.strides[1])
            call.n.6 = Int64(w.strides[0])
            call.n.11 = w.dtype.rawValue
        case .packed(let matrix):
            call.n.11 = matrix.dtype.rawValue
            call.n.12 = matrix.packing
        case .quantized(let matrix):
            call.n.11 = matrix.segments[0].dtype.rawValue
            call.n.12 = Int64(QK_PACKED)
            matrix.placeRest(in: &call)
        case .stored, .adapted: preconditionFailure("a product with this weight is several calls")
        }
    }

    var address: UnsafeMutableRawPointer {
        switch self {
        case .dense(let w): w.data
        case .packed(let matrix): matrix.data
        case .quantized(let matrix): matrix.segments[0].panels.data
        case .stored, .adapted: preconditionFailure("a product with this weight is several calls")
        }
    }
}

extension Weight {
    /// Packs matrices of `inputs` columns whose rows, one after the other, are one weight: q, k and v, say, each in the type it is stored in.
    ///
    /// Block formats stay as they are, up to three of them side by side where their rows come in sixteens; plain types stay where all parts have the
    /// same; what is mixed otherwise becomes f32. The pages of parts that lie in mapped files are given back as they are consumed.
    public init(packing parts: [Tensor], _ arithmetic: FrozenArithmetic = .exact) {
        if let matrix = QuantizedMatrix(parts) {
            self = .quantized(matrix)
        } else if parts.allSatisfy({ $0.dtype == parts[0].dtype && !$0.dtype.isBlockFormat }) {
            self = .packed(PackedMatrix(parts, arithmetic))
        } else {
            self = .packed(PackedMatrix(parts.map { $0.cast(to: .f32) }))
        }
    }
}

/// A weight matrix in column panels, the order in which the kernels read it.
public struct PackedMatrix: Sendable {
    public let outputs: Int, inputs: Int
    public let dtype: DType
    /// How products take their numbers: weights in bf16 alone are multiplied in bf16, with those in f16 alone activations are rounded to f16.
    public let arithmetic: FrozenArithmetic
    private let panels: Panels

    /// Packs [outputs, inputs] weights, f32, f16 or bf16.
    public init(_ weights: Tensor, _ arithmetic: FrozenArithmetic = .exact) { self.init([weights], arithmetic) }

    /// Packs matrices of one type whose rows, one after the other, are the weights.
    public init(_ parts: [Tensor], _ arithmetic: FrozenArithmetic = .exact) {
        outputs = parts.reduce(0) { $0 + $1.shape[0] }
        inputs = parts[0].shape[1]
        dtype = parts[0].dtype
        let inPairs = arithmetic != .exact && dtype == .bf16 && inputs % 2 == 0 && qk_gemm_has_pairs()
        self.arithmetic = inPairs ? .brain : arithmetic == .stored && dtype == .f16 ? .stored : .exact
        panels = Panels(packing: inPairs ? parts.map(\.inWords) : parts)
    }

    var data: UnsafeMutableRawPointer { panels.data }

    /// n12 of a product.
    var packing: Int64 {
        switch arithmetic {
        case .exact: Int64(QK_PACKED)
        case .brain: Int64(QK_PACKED_PAIRS)
        case .stored: Int64(QK_PACKED_HALVES)
        }
    }

    /// Bytes as stored.
    public var byteCount: Int { Panels.byteCount(rows: outputs, columns: inputs, dtype) }
}

extension Tensor {
    /// Rows of bf16 as words of two neighbors, which the kernels pack like any four bytes.
    fileprivate var inWords: Tensor {
        var rows = contiguous()
        if rows.offset % 2 != 0 || UInt(bitPattern: rows.data) % 4 != 0 {
            rows = Tensor(uninitialized: shape, dtype: .bf16)
            rows.copyIn(self)
        }
        return Tensor(storage: rows.storage, offset: rows.offset / 2, shape: [shape[0], shape[1] / 2], dtype: .f32)
    }
}

/// A weight matrix in block formats: panels of sixteen rows with the very bytes of the file, turned for the kernels.
///
/// Products with it take activations as bytes: blocks of 32 with a scale, made once per row. A row's result does not depend on the rows beside
/// it, and the integer parts are exact, so the bits are the same for any batch, chunk, thread count and instruction set.
public struct QuantizedMatrix: Sendable {
    public let outputs: Int, inputs: Int
    let segments: [Segment]

    /// Rows in one format.
    struct Segment: Sendable {
        let rows: Int
        let dtype: DType
        let panels: Panels
    }

    /// Packs block-format parts; nil where they cannot lie side by side: a plain type among them, a change of format inside a panel, more than three.
    public init?(_ parts: [Tensor]) {
        guard parts.allSatisfy(\.dtype.isBlockFormat) else { return nil }
        var runs: [[Tensor]] = []
        for part in parts {
            if let last = runs.last?.first, last.dtype == part.dtype { runs[runs.count - 1].append(part) } else { runs.append([part]) }
        }
        let rows = runs.map { $0.reduce(0) { $0 + $1.shape[0] } }
        guard runs.count <= 3, rows.dropLast().allSatisfy({ $0 % Panels.rows == 0 }) else { return nil }
        outputs = rows.reduce(0, +)
        inputs = parts[0].shape[1]
        segments = zip(runs, rows).map { Segment(rows: $1, dtype: $0[0].dtype, panels: Panels(packing: $0)) }
    }

    /// Bytes as stored.
    public var byteCount: Int { segments.reduce(0) { $0 + Panels.byteCount(rows: $1.rows, columns: inputs, $1.dtype) } }

    /// Where a product finds the segments after the first.
    func placeRest(in call: inout KernelCall) {
        guard segments.count > 1 else { return }
        call.p.7 = segments[1].panels.data
        call.n.14 = Int64(segments[0].rows)
        call.n.16 = segments[1].dtype.rawValue
        guard segments.count > 2 else { return }
        call.p.8 = segments[2].panels.data
        call.n.15 = Int64(segments[0].rows + segments[1].rows)
        call.n.17 = segments[2].dtype.rawValue
    }
}
