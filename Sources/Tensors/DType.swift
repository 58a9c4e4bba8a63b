import CQuintetKernels

/// The type of a tensor's elements, known at run time.
public enum DType: Int64, Sendable, CaseIterable {
    case f32 = 0, f16, bf16, i32, u8, i8, bool

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .f32, .i32: 4
        case .f16, .bf16: 2
        case .u8, .i8, .bool: 1
        }
    }
}
