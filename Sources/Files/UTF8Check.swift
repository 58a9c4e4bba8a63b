/// UTF-8 validation as the Unicode standard's table 3-7 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
public enum UTF8Check {
    public static func isValid(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { firstInvalid($0) == nil } }

    /// Offset of the first byte that does not belong to valid UTF-8, or nil if all of it is valid.
    public static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let p = base.assumingMemoryBound(to: UInt8.self)
        let n = bytes.count
        var i = 0
        while i < n {
            if p[i] < 0x80 {
                i += 1
                while n - i >= 8, (base + i).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 { i += 8 }
                continue
            }
            let length = sequence(p + i, n - i)
            if length == 0 { return i }
            i += length
        }
        return nil
    }

    /// Length of the multi-byte sequence at `p` with `n` bytes left, 0 if it is malformed.
    @inline(__always)
    private static func sequence(_ p: UnsafePointer<UInt8>, _ n: Int) -> Int {
        let lead = p[0]
        if lead < 0xC2 || lead > 0xF4 || n < 2 { return 0 }
        let second = p[1]
        if lead < 0xE0 { return follows(second) ? 2 : 0 }
        if lead < 0xF0 {
            guard n >= 3, follows(second), follows(p[2]) else { return 0 }
            if lead == 0xE0 && second < 0xA0 || lead == 0xED && second > 0x9F { return 0 }
            return 3
        }
        guard n >= 4, follows(second), follows(p[2]), follows(p[3]) else { return 0 }
        if lead == 0xF0 && second < 0x90 || lead == 0xF4 && second > 0x8F { return 0 }
        return 4
    }

    @inline(__always)
    private static func follows(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
