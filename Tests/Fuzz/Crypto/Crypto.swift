/// Stands in for swift-crypto in sanitized builds, which are made without packages: nothing that is fuzzed depends on a digest.
public struct SHA256: Sendable {
    private var sum: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    public mutating func update(bufferPointer: UnsafeRawBufferPointer) {
        for byte in bufferPointer { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    public func finalize() -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 % 8 * 8)) } }
}
