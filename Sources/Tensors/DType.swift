import CQuintetKernels

/// The type of a tensor's elements, known at run time: plain numbers, or one of GGML's block formats.
///
/// In a block format a row is a sequence of blocks of `blockLength` elements in `blockBytes` bytes, laid out as in a GGUF file: low-bit
/// codes with the scales (and minimums) they are multiplied by. Shapes, strides and offsets still count elements. `Tensor.cast(to:)`
/// converts in both directions; a matrix product takes such weights as they are.
///
///     DType.q4_K.blockLength        // 256
///     DType.q4_K.bytes(4096)        // 2304
///     DType(ggml: 12)               // .q4_K
public enum DType: Int64, Sendable, CaseIterable {
    case f32 = 0, f16, bf16, i32, u8, i8, bool
    // GGML's number + QK_BLOCKS.
    case q4_0 = 34, q4_1
    case q5_0 = 38, q5_1, q8_0
    case q2_K = 42, q3_K, q4_K, q5_K, q6_K
    case iq4_nl = 52
    case iq4_xs = 55
    case mxfp4 = 71

    /// Bytes of one element; an element of a block format has none of its own.
    public var byteCount: Int {
        precondition(!isBlockFormat, "an element of \(self) has no bytes of its own")
        return blockBytes
    }

    /// Whether elements come in blocks.
    public var isBlockFormat: Bool { rawValue >= Int64(QK_BLOCKS) }

    /// Elements that share scales: 32 or 256, 1 for plain numbers. A row is a whole number of blocks.
    public var blockLength: Int { Int(qk_block_length(rawValue)) }

    /// Bytes of a block; of an element for plain numbers.
    public var blockBytes: Int { Int(qk_block_bytes(rawValue)) }

    /// Bytes of `count` elements, a whole number of blocks.
    public func bytes(_ count: Int) -> Int {
        precondition(count % blockLength == 0, "\(count) elements are no whole number of \(self) blocks of \(blockLength)")
        return count / blockLength * blockBytes
    }

    /// Whether `Tensor.cast(to:)` can make it from f32; the other block formats are only read.
    public var canBeMade: Bool {
        switch self {
        case .q2_K, .q3_K, .iq4_nl, .iq4_xs: false
        default: true
        }
    }
}

extension DType {
    /// GGML's number of the type, as GGUF files have it; nil where GGML has no such type.
    public var ggml: UInt32? {
        switch self {
        case .f32: 0
        case .f16: 1
        case .bf16: 30
        case .i8: 24
        case .i32: 26
        case .u8, .bool: nil
        default: UInt32(rawValue - Int64(QK_BLOCKS))
        }
    }

    /// The type that GGML numbers so; nil where we have none for it.
    public init?(ggml number: UInt32) {
        guard let type = Self.allCases.first(where: { $0.ggml == number }) else { return nil }
        self = type
    }
}
