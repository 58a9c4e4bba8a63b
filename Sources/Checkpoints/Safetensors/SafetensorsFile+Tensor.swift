public import QuintetFiles
public import QuintetTensors

extension SafetensorsType {
    /// The tensor type with the same bytes, where there is one.
    public var dtype: DType? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .i32: .i32
        case .u8: .u8
        case .i8: .i8
        case .bool: .bool
        default: nil
        }
    }

    /// - Precondition: `dtype` is no block format; those go into GGUF files.
    public init(_ dtype: DType) {
        guard let type = Self.allCases.first(where: { $0.dtype == dtype }) else { preconditionFailure("safetensors files hold no \(dtype)") }
        self = type
    }
}

extension SafetensorsFile {
    /// A tensor over the file's own pages; copied only where its bytes are not aligned, converted to f32 where it is F64.
    public func tensor(_ entry: SafetensorsEntry) throws(FileError) -> Tensor {
        if entry.type == .f64 { return Tensor(try floats(entry), Shape(entry.shape)) }
        guard let dtype = entry.type.dtype else {
            throw FileError(
                "tensors of this type cannot be computed with", path: path, field: entry.name, offset: entry.range.lowerBound,
                expected: "F32 F16 BF16 F64 I32 U8 I8 BOOL", found: entry.type.rawValue)
        }
        let bytes = bytes(of: entry)
        guard let base = bytes.baseAddress, Int(bitPattern: base) % dtype.byteCount == 0 else {
            let copy = Tensor(uninitialized: Shape(entry.shape), dtype: dtype)
            if let base = bytes.baseAddress { copy.data.copyMemory(from: base, byteCount: bytes.count) }
            return copy
        }
        let storage = Storage(base: UnsafeMutableRawPointer(mutating: base), byteCount: bytes.count, owner: owner)
        return Tensor(storage: storage, shape: Shape(entry.shape), dtype: dtype)
    }

    /// The numbers of a floating-point tensor as f32, copied out.
    public func floats(_ entry: SafetensorsEntry) throws(FileError) -> [Float] {
        guard [.f32, .f16, .bf16, .f64].contains(entry.type) else { throw wrongType(entry, "F32 F16 BF16 F64") }
        if entry.type != .f64 { return try tensor(entry).floats }
        let bytes = bytes(of: entry)
        return (0..<entry.count).map { Float(Double(bitPattern: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))) }
    }

    /// The numbers of an integer or boolean tensor, copied out.
    public func integers(_ entry: SafetensorsEntry) throws(FileError) -> [Int64] {
        switch entry.type {
        case .i64: return load(entry, Int64.self)
        case .i32: return load(entry, Int32.self)
        case .i16: return load(entry, Int16.self)
        case .i8: return load(entry, Int8.self)
        case .u8, .bool: return load(entry, UInt8.self)
        case .u16: return load(entry, UInt16.self)
        case .u32: return load(entry, UInt32.self)
        default: throw wrongType(entry, "I64 I32 I16 I8 U32 U16 U8 BOOL")
        }
    }

    private func load<T: FixedWidthInteger>(_ entry: SafetensorsEntry, _ type: T.Type) -> [Int64] {
        let bytes = bytes(of: entry)
        let width = MemoryLayout<T>.size
        return (0..<entry.count).map { Int64(T(littleEndian: bytes.loadUnaligned(fromByteOffset: width * $0, as: T.self))) }
    }

    private func wrongType(_ entry: SafetensorsEntry, _ expected: String) -> FileError {
        FileError(
            "the tensor holds another type", path: path, field: entry.name, offset: entry.range.lowerBound, expected: expected,
            found: entry.type.rawValue)
    }
}
