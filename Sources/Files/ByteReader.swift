/// A checked reader over bytes: nothing is read past the end, and nothing that is read is trusted.
///
/// The reader borrows: whoever owns `bytes` (a `MappedFile`, an array inside `withUnsafeBytes`) outlives it.
public struct ByteReader {
    /// The file's name, for errors.
    public let source: String
    public let bytes: UnsafeRawBufferPointer
    /// Position of the next byte, from 0 to `bytes.count`.
    public private(set) var offset = 0

    public init(_ bytes: UnsafeRawBufferPointer, source: String) {
        self.bytes = bytes
        self.source = source
    }

    public var remaining: Int { bytes.count - offset }

    /// Reads one little-endian integer.
    public mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, _ field: String) throws(FileError) -> T {
        let raw = try self.bytes(MemoryLayout<T>.size, field)
        return T(littleEndian: raw.loadUnaligned(as: T.self))
    }

    /// Reads a little-endian IEEE 754 single.
    public mutating func float(_ field: String) throws(FileError) -> Float {
        Float(bitPattern: try integer(UInt32.self, field))
    }

    /// Reads a little-endian IEEE 754 double.
    public mutating func double(_ field: String) throws(FileError) -> Double {
        Double(bitPattern: try integer(UInt64.self, field))
    }

    /// Reads an unsigned 64-bit count or size that has to fit `Int` and be at most `limit`.
    public mutating func count(_ field: String, limit: Int = .max) throws(FileError) -> Int {
        let start = offset
        let value = try integer(UInt64.self, field)
        guard let count = Int(exactly: value), count <= limit else {
            throw FileError(
                "impossible count", path: source, field: field, offset: start, expected: "at most \(limit)", found: "\(value)")
        }
        return count
    }

    /// The next `count` bytes, without a copy.
    public mutating func bytes(_ count: Int, _ field: String) throws(FileError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            throw FileError(
                "the file ends too early", path: source, field: field, offset: offset, expected: "\(count) bytes",
                found: "\(remaining)", hint: "the file is truncated or damaged; get it again")
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
        offset += count
        return part
    }

    /// The next `count` bytes as text; they have to be valid UTF-8.
    public mutating func string(_ count: Int, _ field: String) throws(FileError) -> String {
        let start = offset
        let part = try bytes(count, field)
        if let bad = UTF8Check.firstInvalid(part) {
            throw FileError("the text is not UTF-8", path: source, field: field, offset: start + bad)
        }
        return String(decoding: part, as: UTF8.self)
    }

    /// Moves to an absolute position, at most the end.
    public mutating func seek(_ offset: Int, _ field: String) throws(FileError) {
        guard offset >= 0, offset <= bytes.count else {
            throw FileError(
                "position outside the file", path: source, field: field, offset: self.offset,
                expected: "0 to \(bytes.count)", found: "\(offset)")
        }
        self.offset = offset
    }

    /// Moves forward to the next multiple of `alignment`.
    public mutating func align(_ alignment: Int, _ field: String) throws(FileError) {
        precondition(alignment > 0)
        let over = offset % alignment
        if over > 0 { _ = try bytes(alignment - over, field) }
    }
}
