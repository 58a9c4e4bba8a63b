#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
package import QuintetFiles

/// The lines of a text file one at a time, decompressed on the way; a line beyond the limit is reported, not stored.
package final class LineReader {
    /// One line without its end (LF, CR LF or CR).
    package struct Line {
        package var bytes: [UInt8]
        /// Counted from 1.
        package var number: Int
        /// Of its first byte in the (decompressed) text.
        package var offset: Int
        package var isTooLong = false

        package var isBlank: Bool { !isTooLong && bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }

        /// The line as JSON; the error's place is the place in the file.
        package func parsed(_ path: String) throws(FileError) -> JSON {
            let result = bytes.withUnsafeBytes { raw -> Result<JSON, FileError> in
                do throws(FileError) { return .success(try JSON.parse(raw, source: path)) } catch {
                    var error = error
                    error.offset = offset + (error.offset ?? 0)
                    error.line = number
                    return .failure(error)
                }
            }
            return try result.get()
        }
    }

    private let stream: ByteStream
    private let limit: Int
    private var number = 0
    private let stop: Int
    /// The last line ended in CR: an LF that follows belongs to it.
    private var afterReturn = false

    /// With a range, the lines that begin in it; their numbers then count from its first line.
    package convenience init(_ path: String, limit: Int, range: Range<Int>? = nil) throws(FileError) {
        let start = max(0, (range?.lowerBound ?? 0) - 1)
        try self.init(ByteStream.open(path, from: start), limit: limit, stop: range?.upperBound ?? .max)
        if let range, range.lowerBound > 0 { try skipLine() }
    }

    init(_ stream: ByteStream, limit: Int, stop: Int = .max) throws(FileError) {
        self.stream = stream
        self.limit = limit
        self.stop = stop
        // A UTF-8 byte order mark is no part of the first line.
        if stream.offset == 0, try stream.peek(3).starts(with: [0xEF, 0xBB, 0xBF]) { stream.advance(3) }
    }

    /// Where the next byte is, in decompressed bytes.
    var offset: Int { stream.offset }

    /// Past the line that a range begins in the middle of.
    private func skipLine() throws(FileError) { try take { _ in } }

    /// The next line, nil at the end of the file.
    package func next() throws(FileError) -> Line? {
        if try atEnd() || stream.offset >= stop { return nil }
        number += 1
        var line = Line(bytes: [], number: number, offset: stream.offset)
        try take { part in
            line.isTooLong = line.isTooLong || line.bytes.count + part.count > limit
            if line.isTooLong { line.bytes = [] } else { line.bytes.append(contentsOf: part) }
        }
        return line
    }

    private func atEnd() throws(FileError) -> Bool {
        if afterReturn {
            if try stream.peek().first == 10 { stream.advance(1) }
            afterReturn = false
        }
        return try stream.peek().isEmpty
    }

    /// Gives the parts of a line, and passes over them and its end (LF, CR LF or CR).
    private func take(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileError) {
        while true {
            let ready = try stream.peek()
            if ready.isEmpty { return }
            guard let end = Self.lineEnd(ready) else {
                body(ready)
                stream.advance(ready.count)
                continue
            }
            body(UnsafeRawBufferPointer(rebasing: ready.prefix(end)))
            afterReturn = ready[end] == 13
            stream.advance(end + 1)
            return
        }
    }

    /// Position of the first LF or CR.
    private static func lineEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let feed = memchr(base, 10, bytes.count).map { base.distance(to: UnsafeRawPointer($0)) }
        return memchr(base, 13, feed ?? bytes.count).map { base.distance(to: UnsafeRawPointer($0)) } ?? feed
    }
}
