/// The extents of a tensor, outermost first; at most eight, stored inline so that copies are cheap.
///
///     let shape: Shape = [4, 64, 768]
///     shape.count      // 196_608
///     shape.rows       // 256: all axes but the last
public struct Shape: Sendable, Equatable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    @usableFromInline var dims: SIMD8<Int32>
    public let rank: Int

    public init(_ extents: [Int]) {
        precondition(extents.count <= 8, "a shape has at most 8 axes, got \(extents.count)")
        dims = SIMD8(repeating: 1)
        rank = extents.count
        for (axis, extent) in extents.enumerated() {
            precondition(extent >= 0 && extent <= Int(Int32.max), "axis \(axis) has extent \(extent)")
            dims[axis] = Int32(extent)
        }
    }

    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// The extent of an axis; negative axes count from the end.
    public subscript(axis: Int) -> Int { Int(dims[axis < 0 ? rank + axis : axis]) }

    /// The number of elements.
    public var count: Int {
        var product = 1
        for axis in 0..<rank { product *= Int(dims[axis]) }
        return product
    }

    /// The last extent, 1 for a scalar.
    public var columns: Int { rank == 0 ? 1 : self[-1] }

    /// The product of all extents but the last.
    public var rows: Int {
        var product = 1
        for axis in 0..<max(rank - 1, 0) { product *= Int(dims[axis]) }
        return product
    }

    /// The same extents as an array.
    public var extents: [Int] { (0..<rank).map { Int(dims[$0]) } }

    public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }

    /// Row-major element strides.
    var contiguousStrides: SIMD8<Int> {
        var strides = SIMD8<Int>(repeating: 0)
        var step = 1
        for axis in stride(from: rank - 1, through: 0, by: -1) {
            strides[axis] = step
            step *= Int(dims[axis])
        }
        return strides
    }

    /// The same shape with one extent replaced.
    public func replacing(_ axis: Int, with extent: Int) -> Shape {
        var copy = extents
        copy[axis < 0 ? rank + axis : axis] = extent
        return Shape(copy)
    }
}
