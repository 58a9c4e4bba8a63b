/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var low: SIMD4<UInt64> = .zero

    init() {}

    init(_ range: ClosedRange<UInt8>) { for byte in range { insert(byte) } }

    static let all = ByteSet(0...255)

    var isEmpty: Bool { low == .zero }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool { low[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    mutating func insert(_ byte: UInt8) { low[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func formUnion(_ other: ByteSet) { low |= other.low }

    /// The only byte, where there is just one.
    var single: UInt8? {
        let count = (0..<4).reduce(0) { $0 + low[$1].nonzeroBitCount }
        guard count == 1 else { return nil }
        return (0...UInt8.max).first(where: contains)
    }
}
