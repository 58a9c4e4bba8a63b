/// GPT-2's visible stand-ins for the 256 bytes: printable ones are themselves, the others U+0100 and on.
enum ByteAlphabet {
    /// Scalar that stands for each byte.
    static let scalars: [UInt32] = {
        var next: UInt32 = 256
        return (UInt32(0)..<256).map { byte in
            let isVisible = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
            if isVisible { return byte }
            defer { next += 1 }
            return next
        }
    }()

    /// Byte each scalar below 0x144 stands for, -1 for none.
    static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    /// The bytes a token's text stands for; text outside the alphabet stands for itself.
    static func decode(_ token: some Collection<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(token.count)
        for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
            guard scalar.value < 0x144, bytes[Int(scalar.value)] >= 0 else { return Array(token) }
            out.append(UInt8(bytes[Int(scalar.value)]))
        }
        return out
    }

    /// The token text that stands for some bytes.
    static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for byte in bytes { appendScalar(scalars[Int(byte)], to: &out) }
        return out
    }
}
