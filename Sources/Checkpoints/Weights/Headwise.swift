import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The map from a latent up to keys and values: one matrix, head after head, or keys (transposed) and values apart.
struct Headwise {
    let heads: Int, keyWidth: Int, valueWidth: Int

    /// Both parts as one [heads * (keyWidth + valueWidth), columns], in f32.
    func whole(_ parts: [Tensor], _ shape: [Int]) -> Tensor {
        let columns = shape.last ?? 0
        let keys = parts[0].cast(to: .f32).contiguous().permuted([0, 2, 1]).contiguous()  // [heads, keyWidth, columns]
        let values = parts[1].cast(to: .f32).contiguous()
        return concatenate([keys, values], axis: 1).reshaped([heads * (keyWidth + valueWidth), columns])
    }

    /// The keys (0) or the values (1) out of the whole.
    func part(_ index: Int, of whole: Tensor) -> Tensor {
        let columns = whole.shape.columns
        let byHead = whole.contiguous().reshaped([heads, keyWidth + valueWidth, columns])
        if index == 0 { return byHead.slice(1, 0..<keyWidth).permuted([0, 2, 1]).contiguous() }
        return byHead.slice(1, keyWidth..<keyWidth + valueWidth).contiguous()
    }
}

extension Tensor {
    /// Minus the exponential of every element, in f32.
    var negativeExponentials: Tensor { Tensor(floats.map { -exp($0) }, shape) }

    /// The logarithm of minus every element, in f32: the way back.
    var negativeLogarithms: Tensor { Tensor(floats.map { log(-$0) }, shape) }
}
