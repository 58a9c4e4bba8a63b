internal import QuintetFiles

/// Bytes from front to back: a file, standard input, a decoder over one of them, a member of an archive.
protocol ByteSource: AnyObject {
    /// Fills a part of `target`; 0 means the end. Damage is thrown.
    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
    /// After damage: goes to the next place from which reading makes sense. False where there is none.
    func recover() throws(FileError) -> Bool
}

extension ByteSource {
    func recover() throws(FileError) -> Bool { false }
}

extension FileReader: ByteSource {}

/// Bytes that lie in memory.
final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let count = min(target.count, bytes.count - at)
        bytes.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[at..<at + count])) }
        at += count
        return count
    }
}

/// The next `size` bytes of a stream that goes on behind them.
final class BoundedSource: ByteSource {
    private let stream: ByteStream
    private let end: Int
    /// What the bytes are, for the error where they are missing.
    private let field: String

    init(_ stream: ByteStream, size: Int, _ field: String) {
        self.stream = stream
        self.field = field
        end = stream.offset.addingReportingOverflow(size).overflow ? .max : stream.offset + size
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let wanted = min(target.count, end - stream.offset)
        if wanted <= 0 { return 0 }
        let count = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: target[..<wanted]))
        if count == 0 {
            throw FileError(
                "the data ends too early", path: stream.name, field: field, offset: stream.offset,
                expected: "\(end - stream.offset) more bytes", hint: "the file is truncated; get it again")
        }
        return count
    }
}
