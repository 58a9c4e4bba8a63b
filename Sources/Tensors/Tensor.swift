/// Numbers with a shape: a view of a storage, with a type known at run time and a place on the tape.
///
///     let x = Tensor([1, 2, 3, 4, 5, 6], [2, 3])
///     x.shape.columns  // 3
///     x.floats         // [1, 2, 3, 4, 5, 6]
public struct Tensor: Sendable {
    public internal(set) var storage: Storage
    /// The first element, in elements from the start of the storage.
    public let offset: Int
    public let shape: Shape
    /// Element strides, one per axis.
    public let strides: SIMD8<Int>
    public let dtype: DType
    /// Which gradient belongs to this tensor.
    public internal(set) var node: Node

    init(storage: Storage, offset: Int, shape: Shape, strides: SIMD8<Int>, dtype: DType, node: Node = .constant) {
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.node = node
    }

    /// A tensor over bytes that are already there; contiguous, `offset` counts elements.
    public init(storage: Storage, offset: Int = 0, shape: Shape, dtype: DType = .f32) {
        precondition(dtype.bytes(offset + shape.count) <= storage.byteCount, "the storage is too small for \(shape)")
        precondition(shape.columns % dtype.blockLength == 0, "rows of \(shape) are no whole number of \(dtype) blocks")
        self.init(storage: storage, offset: offset, shape: shape, strides: shape.contiguousStrides, dtype: dtype)
    }

    /// A tensor whose elements are not set yet.
    public init(uninitialized shape: Shape, dtype: DType = .f32) {
        precondition(shape.columns % dtype.blockLength == 0, "rows of \(shape) are no whole number of \(dtype) blocks")
        self.init(
            storage: Storage(byteCount: dtype.bytes(shape.count)), offset: 0, shape: shape, strides: shape.contiguousStrides,
            dtype: dtype)
    }

    public init(_ values: [Float], _ shape: Shape) {
        precondition(values.count == shape.count, "\(values.count) values do not fill \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBytes { if let source = $0.baseAddress { data.copyMemory(from: source, byteCount: $0.count) } }
    }

    /// Integers (i32); literals without a type are taken as floats.
    @_disfavoredOverload
    public init(_ values: [Int32], _ shape: Shape) {
        precondition(values.count == shape.count, "\(values.count) values do not fill \(shape)")
        self.init(uninitialized: shape, dtype: .i32)
        values.withUnsafeBytes { if let source = $0.baseAddress { data.copyMemory(from: source, byteCount: $0.count) } }
    }

    /// All elements set to one value (f32).
    public static func filled(_ shape: Shape, with value: Float = 0) -> Tensor {
        let tensor = Tensor(uninitialized: shape)
        tensor.fill(value)
        return tensor
    }

    /// The address of the first element.
    public var data: UnsafeMutableRawPointer { storage.base + dtype.bytes(offset) }

    public var count: Int { shape.count }

    /// Bytes of all elements, where they lie one after the other.
    public var byteCount: Int { dtype.bytes(count) }

    /// Elements from one row to the next, where a row is the last axis.
    public var rowStride: Int { shape.rank < 2 ? shape.columns : strides[shape.rank - 2] }

    /// Whether the elements lie one after the other in row-major order.
    public var isContiguous: Bool {
        let wanted = shape.contiguousStrides
        for axis in 0..<shape.rank where shape[axis] != 1 && strides[axis] != wanted[axis] { return false }
        return true
    }

    /// The elements as f32, in row-major order, copied (and converted) out.
    public var floats: [Float] {
        let source = contiguous().cast(to: .f32)
        return Array(UnsafeBufferPointer(start: source.data.assumingMemoryBound(to: Float.self), count: count))
    }

    /// The elements of an i32 tensor, copied out.
    public var integers: [Int32] {
        precondition(dtype == .i32, "integers of a \(dtype) tensor")
        let source = contiguous()
        return Array(UnsafeBufferPointer(start: source.data.assumingMemoryBound(to: Int32.self), count: count))
    }
}

/// Whose gradient a tensor has: nobody's, a value's on the tape, or a parameter's in its store.
public enum Node: Sendable, Equatable {
    case constant
    case value(Int)
    case parameter(Int)
}
