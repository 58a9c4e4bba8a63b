/// What a pickle says, as data: nothing here has behaviour. Containers are numbers into the interpreter's list of objects, so that depth,
/// cycles and sharing cost nothing.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int64)
    /// A whole number of more than 64 bits, by its length in bytes.
    case largeInt(Int)
    case float(Double)
    case object(Int)
}

/// What an object of a pickle is.
enum PickleObject {
    case text(String)
    /// Where the bytes lie in the pickle.
    case bytes(Range<Int>)
    case list([PickleValue])
    case tuple([PickleValue])
    case set([PickleValue])
    case dictionary([(key: PickleValue, value: PickleValue)])
    /// A name from the list of those that mean something.
    case global(PickleGlobal)
    /// A place in the interpreter's storages.
    case storage(Int)
    /// A place in the interpreter's tensors.
    case tensor(Int)
}

/// The names a pickle may use. Everything else is an error, whatever it would do.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTensorV2
    case rebuildTensorV3
    case rebuildParameter
    case parameter
    case size
    case device
    case encode
    case set
    /// A storage class with elements of a type.
    case storage(PyTorchType)
    case untypedStorage
    case type(PyTorchType)

    static func named(_ module: String, _ name: String) -> PickleGlobal? {
        switch (module, name) {
        case ("collections", "OrderedDict"): .orderedDictionary
        case ("torch._utils", "_rebuild_tensor"): .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v2"): .rebuildTensorV2
        case ("torch._utils", "_rebuild_tensor_v3"): .rebuildTensorV3
        case ("torch._utils", "_rebuild_parameter"): .rebuildParameter
        case ("torch.nn.parameter", "Parameter"): .parameter
        case ("torch", "Size"): .size
        case ("torch", "device"): .device
        case ("_codecs", "encode"): .encode
        case ("builtins", "set"), ("__builtin__", "set"): .set
        case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): .untypedStorage
        case ("torch", _), ("torch.cuda", _):
            PyTorchType.allCases.first { $0.storageName == name }.map { .storage($0) }
                ?? PyTorchType.allCases.first { $0.names.contains(name) }.map { .type($0) }
        default: nil
        }
    }
}

/// A run of numbers that tensors look into.
struct PickledStorage: Equatable {
    /// Nil where the tensors say what the bytes are.
    let type: PyTorchType?
    let key: String
    /// Elements; bytes where there is no type.
    let count: Int
    /// The part of another storage that this one is, in elements (files of PyTorch before 1.6).
    var start = 0
}

/// A tensor as the pickle describes it: not yet compared with the storage's bytes.
struct PickledTensor: Equatable {
    let storage: PickledStorage
    let type: PyTorchType
    let offset: Int
    let shape: [Int]
    let strides: [Int]
    /// Where the pickle says so.
    let position: Int
}

/// An element type of PyTorch.
enum PyTorchType: String, CaseIterable {
    case f32 = "float32", f64 = "float64", f16 = "float16", bf16 = "bfloat16"
    case i64 = "int64", i32 = "int32", i16 = "int16", i8 = "int8"
    case u8 = "uint8", u16 = "uint16", u32 = "uint32", u64 = "uint64", bool
    case c64 = "complex64", c128 = "complex128"
    case f8e5m2 = "float8_e5m2", f8e4m3 = "float8_e4m3fn", f8e8m0 = "float8_e8m0fnu"

    /// The name of the old typed storage class; nil for types that came after them.
    var storageName: String? {
        switch self {
        case .f32: "FloatStorage"
        case .f64: "DoubleStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .i64: "LongStorage"
        case .i32: "IntStorage"
        case .i16: "ShortStorage"
        case .i8: "CharStorage"
        case .u8: "ByteStorage"
        case .bool: "BoolStorage"
        case .c64: "ComplexFloatStorage"
        case .c128: "ComplexDoubleStorage"
        default: nil
        }
    }

    /// Names in the torch module: `torch.float32` is also `torch.float`.
    var names: [String] {
        switch self {
        case .f32: [rawValue, "float"]
        case .f64: [rawValue, "double"]
        case .f16: [rawValue, "half"]
        case .i64: [rawValue, "long"]
        case .i32: [rawValue, "int"]
        case .i16: [rawValue, "short"]
        case .c64: [rawValue, "cfloat"]
        case .c128: [rawValue, "cdouble"]
        default: [rawValue]
        }
    }

    var byteCount: Int {
        switch self {
        case .bool, .i8, .u8, .f8e5m2, .f8e4m3, .f8e8m0: 1
        case .f16, .bf16, .i16, .u16: 2
        case .f32, .i32, .u32: 4
        case .f64, .i64, .u64, .c64: 8
        case .c128: 16
        }
    }

    /// The same type's name in safetensors files; complex numbers of 128 bits have none there.
    var safetensorsType: SafetensorsType? {
        switch self {
        case .f32: .f32
        case .f64: .f64
        case .f16: .f16
        case .bf16: .bf16
        case .i64: .i64
        case .i32: .i32
        case .i16: .i16
        case .i8: .i8
        case .u8: .u8
        case .u16: .u16
        case .u32: .u32
        case .u64: .u64
        case .bool: .bool
        case .c64: .c64
        case .c128: nil
        case .f8e5m2: .f8e5m2
        case .f8e4m3: .f8e4m3
        case .f8e8m0: .f8e8m0
        }
    }
}
