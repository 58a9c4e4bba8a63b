#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension AttentionPositions {
    /// ALiBi's slopes, one a head; nil for the other kinds. Powers of two first, odd powers of the next one after (Press et al. 2021).
    public func slopes(heads: Int) -> [Float]? {
        guard case .alibi(let maxBias, let factor) = self, heads > 0 else { return nil }
        var power = 1
        while power * 2 <= heads { power *= 2 }
        func slope(_ i: Int, of n: Int) -> Float { factor * Float(exp2(-Double(maxBias) * Double(i) / Double(n))) }
        let first = (1...power).map { slope($0, of: power) }
        let rest = (0..<(heads - power)).map { slope(2 * $0 + 1, of: 2 * power) }
        return first + rest
    }
}
