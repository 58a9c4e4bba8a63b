extension JSON {
    /// The value as text: keys in their order, shortest digits that read back the same, no escapes but the needed ones.
    ///
    /// NaN and infinities have no form in JSON and become `null`. `pretty` puts two spaces per level.
    public func serialized(pretty: Bool = false) -> String {
        var out: [UInt8] = []
        write(into: &out, indent: pretty ? 0 : nil)
        return String(decoding: out, as: UTF8.self)
    }

    /// Appends the UTF-8 bytes of the serialized value.
    public func write(into out: inout [UInt8], indent: Int? = nil) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += value.description.utf8
        case .number(let value): out += (value.isFinite ? value.description : "null").utf8
        case .string(let text): Self.write(text, into: &out)
        case .array(let values):
            Self.write(values.count, "[", "]", indent, &out) { values[$0].write(into: &$1, indent: $2) }
        case .object(let members):
            let (keys, values) = (members.keys, members.values)
            Self.write(keys.count, "{", "}", indent, &out) { i, out, inner in
                Self.write(keys[i], into: &out)
                out += (inner == nil ? ":" : ": ").utf8
                values[i].write(into: &out, indent: inner)
            }
        }
    }

    /// Brackets, commas and line breaks around `count` items.
    private static func write(
        _ count: Int, _ open: String, _ close: String, _ indent: Int?, _ out: inout [UInt8],
        item: (Int, inout [UInt8], Int?) -> Void
    ) {
        out += open.utf8
        for i in 0..<count {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            if let indent { newLine(indent + 1, &out) }
            item(i, &out, indent.map { $0 + 1 })
        }
        if count > 0, let indent { newLine(indent, &out) }
        out += close.utf8
    }

    private static func newLine(_ level: Int, _ out: inout [UInt8]) {
        out.append(10)
        out.append(contentsOf: repeatElement(32, count: 2 * level))
    }

    private static func write(_ text: String, into out: inout [UInt8]) {
        var text = text
        out.append(UInt8(ascii: "\""))
        text.withUTF8 { bytes in
            var start = 0
            var i = 0
            while i < bytes.count {
                guard let escape = escape(bytes, i) else { i += 1; continue }
                out.append(contentsOf: bytes[start..<i])
                out += escape.text
                i += escape.length
                start = i
            }
            out.append(contentsOf: bytes[start...])
        }
        out.append(UInt8(ascii: "\""))
    }

    /// The escape that stands for the bytes at `i`: quotes, backslashes, controls, and what readers of lines take for the end of one (U+0085, U+2028, U+2029).
    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, _ i: Int) -> (text: [UInt8], length: Int)? {
        switch bytes[i] {
        case 0..<32, UInt8(ascii: "\""), UInt8(ascii: "\\"): (escape(bytes[i]), 1)
        case 0xC2 where i + 1 < bytes.count && bytes[i + 1] == 0x85: (Array("\\u0085".utf8), 2)
        case 0xE2 where i + 2 < bytes.count && bytes[i + 1] == 0x80 && bytes[i + 2] & 0xFE == 0xA8:
            (Array((bytes[i + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8), 3)
        default: nil
        }
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case 8: Array("\\b".utf8)
        case 9: Array("\\t".utf8)
        case 10: Array("\\n".utf8)
        case 12: Array("\\f".utf8)
        case 13: Array("\\r".utf8)
        case 0..<32: Array(("\\u00" + hexadecimal([byte])).utf8)
        default: [UInt8(ascii: "\\"), byte]
        }
    }
}
