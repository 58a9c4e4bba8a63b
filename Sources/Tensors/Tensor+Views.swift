extension Tensor {
    /// The same elements under another shape; the tensor must be contiguous.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(isContiguous && shape.count == count, "\(self.shape) cannot be viewed as \(shape)")
        return Tensor(storage: storage, offset: offset, shape: shape, strides: shape.contiguousStrides, dtype: dtype, node: node)
    }

    /// A range of one axis, as a view without gradient of its own.
    public func slice(_ axis: Int, _ range: Range<Int>) -> Tensor {
        let axis = axis < 0 ? shape.rank + axis : axis
        precondition(range.lowerBound >= 0 && range.upperBound <= shape[axis], "slice \(range) of axis \(axis) of \(shape)")
        return Tensor(
            storage: storage, offset: offset + range.lowerBound * strides[axis], shape: shape.replacing(axis, with: range.count),
            strides: strides, dtype: dtype)
    }

    /// The axes in another order, as a view without gradient of its own.
    public func permuted(_ axes: [Int]) -> Tensor {
        precondition(axes.sorted() == Array(0..<shape.rank), "\(axes) is no order of the axes of \(shape)")
        var strides = self.strides
        for (to, from) in axes.enumerated() { strides[to] = self.strides[from] }
        return Tensor(storage: storage, offset: offset, shape: Shape(axes.map { shape[$0] }), strides: strides, dtype: dtype)
    }

    /// Rows and columns exchanged, as a view without gradient of its own.
    public var transposed: Tensor { permuted([1, 0]) }

    /// The same tensor as a constant: no gradient flows into it.
    public var detached: Tensor {
        var copy = self
        copy.node = .constant
        return copy
    }

    /// Shape and place on the tape without the elements: what a pullback needs to know of a tensor it does not read.
    var placeholder: Tensor {
        Tensor(storage: Self.nothing, offset: 0, shape: shape, strides: shape.contiguousStrides, dtype: dtype, node: node)
    }

    private static let nothing = Storage(base: UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64), byteCount: 0, owner: Nobody())
}

/// Owns bytes that live as long as the process.
private final class Nobody {}
