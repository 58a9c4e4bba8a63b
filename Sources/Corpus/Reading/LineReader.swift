package import QuintetFiles

/// The lines of a text file one at a time, decompressed on the way; a line beyond the limit is reported, not stored.
package final class LineReader {
    /// One line without its end (LF or CR LF).
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
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var part = 0..<0
    private var ended = false
    private var number = 0
    private var offset = 0
    private let stop: Int

    /// With a range, the lines that begin in it; their numbers then count from its first line.
    package init(_ path: String, limit: Int, range: Range<Int>? = nil) throws(FileError) {
        let start = max(0, (range?.lowerBound ?? 0) - 1)
        stream = try ByteStream(path, from: start)
        self.limit = limit
        stop = range?.upperBound ?? .max
        offset = start
        try refill()
        if let range, range.lowerBound > 0 { try skipLine() }
        if start > 0 { return }
        // A UTF-8 byte order mark is no part of the first line.
        if part.count >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF {
            part = part.dropFirst(3)
            offset = 3
        }
    }

    deinit { buffer.deallocate() }

    /// Past the line that a range begins in the middle of.
    private func skipLine() throws(FileError) {
        while !ended {
            let end = UnsafeRawBufferPointer(rebasing: buffer[part]).firstIndex(of: 10)
            let used = end.map { $0 + 1 } ?? part.count
            part = part.dropFirst(used)
            offset += used
            if end != nil { return }
            try refill()
        }
    }

    private func refill() throws(FileError) {
        let n = try stream.read(into: buffer)
        part = 0..<n
        ended = n == 0
    }

    /// The next line, nil at the end of the file.
    package func next() throws(FileError) -> Line? {
        if part.isEmpty { try refill() }
        if ended || offset >= stop { return nil }
        number += 1
        var line = Line(bytes: [], number: number, offset: offset)
        while !ended {
            let end = UnsafeRawBufferPointer(rebasing: buffer[part]).firstIndex(of: 10)
            let taken = part.prefix(end ?? part.count)
            line.isTooLong = line.isTooLong || line.bytes.count + taken.count > limit
            if line.isTooLong { line.bytes = [] } else { line.bytes.append(contentsOf: buffer[taken]) }
            let used = taken.count + (end == nil ? 0 : 1)
            part = part.dropFirst(used)
            offset += used
            if end != nil { break }
            try refill()
        }
        if line.bytes.last == 13 { line.bytes.removeLast() }
        return line
    }
}
