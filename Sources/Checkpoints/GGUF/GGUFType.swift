public import QuintetTensors

/// An element type of the GGUF format: plain numbers, or blocks of a row that share scales. Raw values are the file's.
///
/// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public enum GGUFType: UInt32, Sendable, CaseIterable {
    case f32 = 0, f16 = 1
    case q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q8_1 = 9
    case q2_k = 10, q3_k = 11, q4_k = 12, q5_k = 13, q6_k = 14, q8_k = 15
    case iq2_xxs = 16, iq2_xs = 17, iq3_xxs = 18, iq1_s = 19, iq4_nl = 20, iq3_s = 21, iq2_s = 22, iq4_xs = 23
    case i8 = 24, i16 = 25, i32 = 26, i64 = 27, f64 = 28
    case iq1_m = 29, bf16 = 30, tq1_0 = 34, tq2_0 = 35, mxfp4 = 39

    /// The name that people use: Q4_K, BF16.
    public var name: String { "\(self)".uppercased() }

    /// Elements of a block, and the bytes it takes.
    public var block: (elements: Int, bytes: Int) {
        switch self {
        case .f32, .i32: (1, 4)
        case .f16, .bf16, .i16: (1, 2)
        case .i8: (1, 1)
        case .f64, .i64: (1, 8)
        case .q4_0, .iq4_nl: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .q8_1: (32, 36)
        case .mxfp4: (32, 17)
        case .q2_k: (256, 84)
        case .q3_k: (256, 110)
        case .q4_k: (256, 144)
        case .q5_k: (256, 176)
        case .q6_k: (256, 210)
        case .q8_k: (256, 292)
        case .iq2_xxs: (256, 66)
        case .iq2_xs: (256, 74)
        case .iq3_xxs: (256, 98)
        case .iq1_s: (256, 50)
        case .iq3_s: (256, 110)
        case .iq2_s: (256, 82)
        case .iq4_xs: (256, 136)
        case .iq1_m: (256, 56)
        case .tq1_0: (256, 54)
        case .tq2_0: (256, 66)
        }
    }

    /// The tensor type with the same bytes, where there is one.
    public var dtype: DType? { DType(ggml: rawValue) }

    /// The type that holds tensors of a dtype; nil where the format has none.
    public init?(_ dtype: DType) {
        guard let type = dtype.ggml.flatMap({ GGUFType(rawValue: $0) }) else { return nil }
        self = type
    }

    /// Types that the format once had, by their numbers: files that hold them cannot be read by anybody today.
    static func removedName(_ raw: UInt32) -> String? {
        switch raw {
        case 4: "Q4_2 (removed from the format)"
        case 5: "Q4_3 (removed from the format)"
        case 31, 32, 33: "Q4_0 repacked (removed from the format)"
        case 36, 37, 38: "IQ4_NL repacked (removed from the format)"
        default: nil
        }
    }
}
