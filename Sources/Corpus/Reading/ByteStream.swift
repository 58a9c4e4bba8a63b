internal import QuintetFiles

/// A source of bytes with a look ahead and the position; memory is the buffer, whatever the length.
final class ByteStream: ByteSource {
    /// Path or name, for errors and documents.
    let name: String
    /// Whether bytes were decompressed on the way, so that they can only be read from the start.
    let isCompressed: Bool
    /// Position of the next byte, counted in decompressed bytes.
    private(set) var offset: Int
    private let source: any ByteSource
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    private var part = 0..<0
    private var ended = false

    init(_ source: any ByteSource, name: String, isCompressed: Bool = false, offset: Int = 0) {
        self.source = source
        self.name = name
        self.isCompressed = isCompressed
        self.offset = offset
    }

    deinit { buffer.deallocate() }

    /// A file, decompressed where its content begins like a compressed one; from `offset` on as it is.
    static func open(_ path: String, from offset: Int = 0) throws(FileError) -> ByteStream {
        let file = try FileReader(path)
        if offset > 0 { try file.seek(to: offset) }
        let stream = ByteStream(file, name: path, offset: offset)
        return offset > 0 ? stream : try Compression.decoded(stream)
    }

    /// The bytes that are ready: at least `count` of them unless the source ends before. `count` is small.
    func peek(_ count: Int = 1) throws(FileError) -> UnsafeRawBufferPointer {
        while part.count < count, !ended { try refill(count) }
        return UnsafeRawBufferPointer(rebasing: buffer[part])
    }

    private func refill(_ count: Int) throws(FileError) {
        if part.isEmpty { part = 0..<0 }
        if buffer.count - part.lowerBound < count || part.upperBound == buffer.count { makeRoom(count) }
        let n = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[part.upperBound...]))
        part = part.lowerBound..<part.upperBound + n
        ended = n == 0
    }

    private func makeRoom(_ count: Int) {
        let kept = UnsafeRawBufferPointer(rebasing: buffer[part])
        if count > buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 1 << 16, alignment: 64)
            larger.copyMemory(from: kept)
            buffer.deallocate()
            buffer = larger
        } else {
            buffer.copyMemory(from: kept)
        }
        part = 0..<part.count
    }

    /// Passes over bytes that `peek` has shown.
    func advance(_ count: Int) {
        let count = min(count, part.count)
        part = part.dropFirst(count)
        offset += count
    }

    /// Puts bytes that were read back in front, to be read again.
    func unread(_ bytes: some Collection<UInt8>) {
        let count = bytes.count
        if count > part.lowerBound {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count + part.count + 1 << 16, alignment: 64)
            UnsafeMutableRawBufferPointer(rebasing: larger[count...]).copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[part]))
            buffer.deallocate()
            buffer = larger
            part = count..<(count + part.count)
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[(part.lowerBound - count)..<part.lowerBound]).copyBytes(from: bytes)
        part = (part.lowerBound - count)..<part.upperBound
        offset -= count
    }

    /// Passes over bytes; false if the source ends before.
    func skip(_ count: Int) throws(FileError) -> Bool {
        var left = count
        while left > 0 {
            let ready = try peek().count
            if ready == 0 { return false }
            advance(min(left, ready))
            left -= min(left, ready)
        }
        return true
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let ready = try peek()
        let count = min(ready.count, target.count)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: ready.prefix(count)))
        advance(count)
        return count
    }

    func recover() throws(FileError) -> Bool {
        part = 0..<0
        ended = false
        return try source.recover()
    }

    /// What is left; nil if it is longer than `limit`.
    func readAll(limit: Int) throws(FileError) -> [UInt8]? {
        var content: [UInt8] = []
        while true {
            let ready = try peek()
            if ready.isEmpty { return content }
            if content.count + ready.count > limit { return nil }
            content.append(contentsOf: ready)
            advance(ready.count)
        }
    }

    /// A line with its end (LF), at most `limit` bytes of it; nil at the end of the source.
    func line(limit: Int) throws(FileError) -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < limit {
            let ready = try peek()
            if ready.isEmpty { return line.isEmpty ? nil : line }
            let end = ready.firstIndex(of: 10)
            let count = min(limit - line.count, end.map { $0 + 1 } ?? ready.count)
            line.append(contentsOf: ready.prefix(count))
            advance(count)
            if line.last == 10 { break }
        }
        return line
    }
}
