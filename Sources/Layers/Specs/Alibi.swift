#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension AttentionPositions {
    /// ALiBi's slopes, one a head; nil for the other kinds. Powers of two first, odd powers of the next one after (Press et al. 2021).
    ///
    /// The factor is in them, except where products are rounded before it (`roundedSlopeFactor`).
    public func slopes(heads: Int) -> [Float]? {
        guard case .alibi(let maxBias, let factor, let rounding) = self, heads > 0 else { return nil }
        var power = 1
        while power * 2 <= heads { power *= 2 }
        func slope(_ i: Int, of n: Int) -> Float {
            let value = Float(exp2(-Double(maxBias) * Double(i) / Double(n)))
            return rounding == .brain ? Self.brain(value) : factor * value
        }
        let first = (1...power).map { slope($0, of: power) }
        let rest = (0..<(heads - power)).map { slope(2 * $0 + 1, of: 2 * power) }
        return first + rest
    }

    /// What rounded products of slopes and positions are multiplied with; 0 where nothing is rounded.
    public var roundedSlopeFactor: Float {
        if case .alibi(_, let factor, .brain) = self { factor } else { 0 }
    }

    /// Rounded to 8 bits of mantissa, to nearest even.
    private static func brain(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
    }
}
