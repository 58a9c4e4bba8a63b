internal import QuintetTokenizers

/// Text as near-duplicates are compared: lower case, numbers as 0, marks and white space as single spaces, accents taken off.
///
/// The same as datatrove's `simplify_text`.
struct SimplifiedText {
    /// The result of the last call.
    private(set) var bytes: [UInt8] = []

    private let table = ScalarTable.shared

    mutating func simplify(_ text: UnsafeBufferPointer<UInt8>) {
        bytes.removeAll(keepingCapacity: true)
        guard let p = text.baseAddress else { return }
        let n = text.count
        var i = 0
        var gap = false
        while i < n {
            let byte = p[i]
            if byte < 0x80 {
                let classes = table.flags[Int(byte)]
                if classes & (ScalarClass.blanked | ScalarClass.space) != 0 {
                    gap = true
                    i += 1
                } else if byte &- 48 < 10 {
                    separate(&gap)
                    bytes.append(48)
                    i = numberEnd(p, i + 1, n)
                } else {
                    separate(&gap)
                    bytes.append(byte &- 65 < 26 ? byte | 32 : byte)
                    i += 1
                }
                continue
            }
            let (value, width) = scalar(p, i)
            let classes = table.classes(value)
            if classes & (ScalarClass.blanked | ScalarClass.space) != 0 {
                gap = true
                i += width
            } else if classes & ScalarClass.digit != 0 {
                separate(&gap)
                bytes.append(48)
                i = numberEnd(p, i + width, n)
            } else {
                letter(value, classes, &gap)
                i += width
            }
        }
    }

    @inline(__always)
    private mutating func separate(_ gap: inout Bool) {
        if gap, !bytes.isEmpty { bytes.append(32) }
        gap = false
    }

    /// Past the digits, and past one decimal sign with the digits after it.
    private func numberEnd(_ p: UnsafePointer<UInt8>, _ start: Int, _ n: Int) -> Int {
        var i = digitsEnd(p, start, n)
        guard i < n else { return i }
        let (value, width) = scalar(p, i)
        guard value == 46 || value == 44 || value == 0x60C || value == 0x66B || (0x2396...0x2398).contains(value) else { return i }
        let end = digitsEnd(p, i + width, n)
        if end > i + width { i = end }
        return i
    }

    private func digitsEnd(_ p: UnsafePointer<UInt8>, _ start: Int, _ n: Int) -> Int {
        var i = start
        while i < n {
            let (value, width) = scalar(p, i)
            if table.classes(value) & ScalarClass.digit == 0 { break }
            i += width
        }
        return i
    }

    private mutating func letter(_ value: UInt32, _ classes: UInt32, _ gap: inout Bool) {
        let lower = value < 1 << 16 ? UInt32(table.lowered[Int(value)]) : 0
        if lower != 0, table.classes(lower) & ScalarClass.composed == 0 {
            separate(&gap)
            return Self.append(lower, &bytes)
        }
        let pieces = lower != 0 ? [lower] : Unicode.Scalar(value)?.properties.lowercaseMapping.unicodeScalars.map(\.value) ?? [value]
        for piece in pieces.flatMap(baseLetters) {
            separate(&gap)
            Self.append(piece, &bytes)
        }
    }

    @inline(__always)
    private static func append(_ value: UInt32, _ out: inout [UInt8]) {
        if value < 0x80 {
            out.append(UInt8(truncatingIfNeeded: value))
        } else if value < 0x800 {
            out.append(UInt8(truncatingIfNeeded: 0xC0 | value >> 6))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        } else if value < 0x10000 {
            out.append(UInt8(truncatingIfNeeded: 0xE0 | value >> 12))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        } else {
            out.append(UInt8(truncatingIfNeeded: 0xF0 | value >> 18))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value >> 12 & 0x3F))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value >> 6 & 0x3F))
            out.append(UInt8(truncatingIfNeeded: 0x80 | value & 0x3F))
        }
    }
}
