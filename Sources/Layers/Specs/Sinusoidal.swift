#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A fixed table of positions: half a row of sines, then half a row of cosines, a zero at the end where the width is odd.
public struct Sinusoidal: Sendable, Equatable {
    /// Position `i` has row `i + offset`.
    public var offset: Int
    /// A row of zeros: where the family's padding token would stand.
    public var zeroRow: Int?

    public init(offset: Int = 0, zeroRow: Int? = nil) {
        self.offset = offset
        self.zeroRow = zeroRow
    }

    /// Rows [0, offset + length) of `width` elements, each step rounded to 32 bits as the reference (`transformers`) rounds it.
    public func table(length: Int, width: Int) -> [Float] {
        let half = width / 2
        let step = Float(-log(10_000) / Double(half - 1))
        let waves = (0..<half).map { Float(exp(Double(Float($0) * step))) }
        var table = [Float](repeating: 0, count: (offset + length) * width)
        for row in 0..<(offset + length) where row != zeroRow {
            for (index, wave) in waves.enumerated() {
                let angle = Double(Float(row) * wave)
                table[row * width + index] = Float(sin(angle))
                table[row * width + half + index] = Float(cos(angle))
            }
        }
        return table
    }
}
