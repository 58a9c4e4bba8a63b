import CQuintetKernels

extension Tensor {
    /// The same values in row-major order; itself where they already lie so.
    public func contiguous() -> Tensor { isContiguous ? self : copied() }

    /// The same values in memory of their own.
    public func copied() -> Tensor {
        let copy = Tensor(uninitialized: shape, dtype: dtype)
        copy.copyIn(self)
        return copy
    }

    /// Copies the values of `source` (same shape and dtype, any strides) into this tensor.
    public func copyIn(_ source: Tensor) {
        precondition(shape == source.shape && dtype == source.dtype, "copy of \(source.shape) into \(shape)")
        precondition(shape.rank <= 6)
        if dtype.isBlockFormat {
            copyBlocks(source)
            return
        }
        var call = KernelCall(QK_OP_COPY, kind: dtype.byteCount)
        call.p.0 = data
        call.p.1 = source.data
        call.n.0 = Int64(shape.rank)
        withUnsafeMutableBytes(of: &call.n) { bytes in
            let n = bytes.assumingMemoryBound(to: Int64.self)
            for axis in 0..<shape.rank {
                n[1 + axis] = Int64(shape[axis])
                n[7 + axis] = Int64(strides[axis])
                n[13 + axis] = Int64(source.strides[axis])
            }
        }
        call.run()
    }

    /// Blocks are whole, so they move as bytes: only rows in their own order.
    private func copyBlocks(_ source: Tensor) {
        precondition(isContiguous && source.isContiguous, "a \(dtype) tensor that is not contiguous cannot be copied; cast it to f32 first")
        data.copyMemory(from: source.data, byteCount: byteCount)
    }

    /// The values as another type, rounded to nearest even; to a block format by the search for scales that leave the least error.
    ///
    ///     let small = weights.cast(to: .q4_K)   // 4.5 bits an element
    ///     let near = small.cast(to: .f32)       // what the codes stand for
    ///
    /// Block formats convert to and from f32, f16, bf16 and each other (`DType.canBeMade`); the last axis has to be whole blocks. The
    /// bytes are the same for any instruction set and number of threads; q8_0, q4_0, q4_1, q5_0, q5_1 and mxfp4 equal GGML's.
    public func cast(to target: DType) -> Tensor {
        if target == dtype { return self }
        precondition(target.canBeMade, "\(target) can only be read")
        let result = Tensor(uninitialized: shape, dtype: target)
        result.castIn(contiguous())
        return result
    }

    func castIn(_ source: Tensor) {
        precondition(shape == source.shape && isContiguous && source.isContiguous)
        var call = KernelCall(QK_OP_CAST)
        call.p.0 = data
        call.p.1 = source.data
        call.n.0 = Int64(count)
        call.n.1 = dtype.rawValue
        call.n.2 = source.dtype.rawValue
        call.run()
    }
}

/// The values of `x` as another type; the gradient comes back as f32.
public func cast(_ x: Tensor, to dtype: DType, _ tape: Tape? = nil) -> Tensor {
    let y = x.cast(to: dtype).detached
    guard let tape, tape.needs(x) else { return y }
    return tape.record(y) { dy, gradients in gradients.add(dy, to: x) }
}

/// A range of one axis, copied.
public func slice(_ x: Tensor, axis: Int, _ range: Range<Int>, _ tape: Tape? = nil) -> Tensor {
    let y = x.slice(axis, range).copied()
    guard let tape, tape.needs(x) else { return y }
    return tape.record(y) { dy, gradients in
        let (dx, adds) = gradients.destination(for: x)
        if !adds { dx.fill(0) }
        let part = dx.slice(axis, range)
        let sum = part.copied()
        sum.addInPlace(dy)
        part.copyIn(sum)
    }
}

/// A range of columns: a view where no gradient is wanted, else a copy.
public func columns(_ x: Tensor, _ range: Range<Int>, _ tape: Tape? = nil) -> Tensor {
    guard let tape, tape.needs(x) else { return x.slice(-1, range) }
    return slice(x, axis: -1, range, tape)
}

/// Tensors side by side along one axis.
public func concatenate(_ parts: [Tensor], axis: Int, _ tape: Tape? = nil) -> Tensor {
    precondition(!parts.isEmpty, "nothing to concatenate")
    let axis = axis < 0 ? parts[0].shape.rank + axis : axis
    let total = parts.reduce(0) { $0 + $1.shape[axis] }
    let y = Tensor(uninitialized: parts[0].shape.replacing(axis, with: total), dtype: parts[0].dtype)
    var ranges: [Range<Int>] = []
    for part in parts {
        let start = ranges.last?.upperBound ?? 0
        ranges.append(start..<(start + part.shape[axis]))
        y.slice(axis, ranges[ranges.count - 1]).copyIn(part)
    }
    guard let tape, parts.contains(where: tape.needs) else { return y }
    return tape.record(y) { dy, gradients in
        for (part, range) in zip(parts, ranges) { gradients.add(dy.slice(axis, range).copied(), to: part) }
    }
}

/// The axes in another order, copied.
public func permute(_ x: Tensor, _ axes: [Int], _ tape: Tape? = nil) -> Tensor {
    let y = x.permuted(axes).copied()
    guard let tape, tape.needs(x) else { return y }
    var inverse = axes
    for (to, from) in axes.enumerated() { inverse[from] = to }
    return tape.record(y) { [inverse] dy, gradients in gradients.add(dy.permuted(inverse).copied(), to: x) }
}
