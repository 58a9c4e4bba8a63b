import QuintetFiles

/// Reads the fields of a protocol buffer message; every length is checked against what is left.
struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        case bytes(UnsafeRawBufferPointer)
        case fixed32(UInt32)
        case fixed64(UInt64)
    }

    private let bytes: UnsafeRawBufferPointer
    private let source: String
    private let base: Int
    private var at = 0

    /// `base` is the message's offset in the file, for errors.
    init(_ bytes: UnsafeRawBufferPointer, source: String, base: Int = 0) {
        self.bytes = bytes
        self.source = source
        self.base = base
    }

    /// Offset in the file of what is read next.
    var offset: Int { base + at }

    /// The next field's number and value, nil at the end of the message.
    mutating func next() throws(FileError) -> (field: Int, value: Value)? {
        if at == bytes.count { return nil }
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { throw error("not a field number", "\(tag >> 3)") }
        let field = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (field, .integer(try varint()))
        case 1: return (field, .fixed64(UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self))))
        case 2:
            let length = try varint()
            guard let count = Int(exactly: length), count <= bytes.count - at else {
                throw error("a length reaches past the end", "\(length) bytes of \(bytes.count - at)")
            }
            return (field, .bytes(try take(count)))
        case 5: return (field, .fixed32(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))))
        default: throw error("not a wire type", "\(tag & 7)")
        }
    }

    private mutating func varint() throws(FileError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<10 {
            guard at < bytes.count else { throw error("the file ends in a number", nil) }
            let byte = bytes[at]
            at += 1
            if index == 9 && byte > 1 { throw error("a number is too long", nil) }
            value |= UInt64(byte & 0x7F) << UInt64(index * 7)
            if byte < 0x80 { return value }
        }
        throw error("a number is too long", nil)
    }

    private mutating func take(_ count: Int) throws(FileError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - at else { throw error("the file ends in a value", nil) }
        defer { at += count }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    private func error(_ what: String, _ found: String?) -> FileError {
        FileError(what, path: source, offset: offset, found: found)
    }
}
