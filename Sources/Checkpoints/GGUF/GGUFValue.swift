public import QuintetFiles

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
    case integer(Int64)
    /// A u64 above `Int64.max`.
    case large(UInt64)
    case float(Float)
    case double(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)

    /// The kind in words, for errors.
    var kind: String {
        switch self {
        case .integer, .large: "an integer"
        case .float, .double: "a number"
        case .bool: "a boolean"
        case .string: "text"
        case .array(let array): "an array of \(array.count)"
        }
    }

    /// As JSON; a single comes with the digits that a single needs.
    public var json: JSON? {
        switch self {
        case .integer(let value): .integer(value)
        case .large(let value): JSON(value)
        case .float(let value): JSON(value)
        case .double(let value): .number(value)
        case .bool(let value): .bool(value)
        case .string(let text): .string(text)
        case .array: nil
        }
    }
}

/// An array in the metadata: where its elements lie in the file. They are decoded when they are asked for.
public struct GGUFArray: Sendable, Equatable {
    public let element: Element
    public let count: Int
    /// The elements' bytes, counted from the start of the file.
    let range: Range<Int>

    /// Types of values, numbered as in the file.
    public enum Element: UInt32, Sendable {
        case u8 = 0, i8, u16, i16, u32, i32, f32, bool, string, array, u64, i64, f64

        /// Bytes of one value; nil where they differ from value to value.
        var byteCount: Int? {
            switch self {
            case .u8, .i8, .bool: 1
            case .u16, .i16: 2
            case .u32, .i32, .f32: 4
            case .u64, .i64, .f64: 8
            case .string, .array: nil
            }
        }
    }
}
