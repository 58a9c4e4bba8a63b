import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard input line by line, from a terminal or a pipe.
struct LineInput {
    enum Event: Equatable {
        case line(String)
        /// A line that is no UTF-8, and where.
        case wrong(FileError)
        case interrupted
        case end
    }

    private var buffer: [UInt8] = []
    private var isAtEnd = false
    private var lines = 0

    /// Waits for a line, Ctrl-C or the end of the input.
    mutating func next() -> Event {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                defer { buffer.removeFirst(end + 1) }
                return line(buffer[..<end])
            }
            if isAtEnd {
                defer { buffer = [] }
                return buffer.isEmpty ? .end : line(buffer[...])
            }
            guard waitForInput() else { return .interrupted }
            var chunk = [UInt8](repeating: 0, count: 1 << 14)
            let count = read(0, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { isAtEnd = true } else { buffer += chunk[..<count] }
        }
    }

    private mutating func line(_ bytes: ArraySlice<UInt8>) -> Event {
        lines += 1
        if let text = String(validating: bytes, as: UTF8.self) { return .line(text) }
        return .wrong(FileError("not UTF-8", path: "standard input", offset: bytes.withUnsafeBytes { UTF8Check.firstInvalid($0) }, line: lines))
    }

    /// False for Ctrl-C. One that comes just before the wait begins wakes nothing up, so it is looked for every so often.
    private func waitForInput() -> Bool {
        var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        while true {
            if Interrupt.take() { return false }
            let ready = poll(&input, 1, 100)
            if ready > 0 || ready < 0 && errno != EINTR { return true }
        }
    }
}
