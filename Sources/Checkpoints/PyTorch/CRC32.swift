/// The checksum of zip archives (CRC-32, IEEE 802.3), eight bytes at a time.
enum CRC32 {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            tables[byte] = value
        }
        for byte in 0..<256 {
            for table in 1..<8 {
                let before = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
            }
        }
        return tables
    }()

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = UInt32.max
            var at = 0
            while at + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian ^ UInt64(value)
                value = 0
                for lane in 0..<8 { value ^= tables[(7 - lane) * 256 + Int(word >> UInt64(8 * lane) & 0xFF)] }
                at += 8
            }
            while at < bytes.count {
                value = value >> 8 ^ tables[Int((value ^ UInt32(bytes[at])) & 0xFF)]
                at += 1
            }
            return ~value
        }
    }
}
