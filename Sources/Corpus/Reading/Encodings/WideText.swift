internal import QuintetFiles

/// UTF-16 and UTF-32, told by their byte order mark.
struct WideText: Sendable {
    let name: String
    let mark: [UInt8]
    /// Bytes of a code unit.
    let width: Int
    let isBig: Bool

    /// In the order in which they are told apart: UTF-32's little-endian mark begins like UTF-16's.
    static let all = [
        WideText(name: "utf-32le", mark: [0xFF, 0xFE, 0, 0], width: 4, isBig: false),
        WideText(name: "utf-32be", mark: [0, 0, 0xFE, 0xFF], width: 4, isBig: true),
        WideText(name: "utf-16le", mark: [0xFF, 0xFE], width: 2, isBig: false),
        WideText(name: "utf-16be", mark: [0xFE, 0xFF], width: 2, isBig: true),
    ]

    static func named(_ name: String) -> WideText? { all.first { $0.name == name } }
    static func marked(_ head: some Collection<UInt8>) -> WideText? { all.first { head.starts(with: $0.mark) } }

    /// UTF-16 without a mark, where every other byte of the first hundreds is nearly always 0 (Latin letters).
    static func guessed(_ head: ArraySlice<UInt8>) -> WideText? {
        guard head.count >= 8 else { return nil }
        var zeros = [0, 0]
        for (index, byte) in head.enumerated() where byte == 0 { zeros[index & 1] += 1 }
        let half = head.count / 2
        if zeros[1] * 10 >= half * 7, zeros[0] * 20 <= half { return named("utf-16le") }
        if zeros[0] * 10 >= half * 7, zeros[1] * 20 <= half { return named("utf-16be") }
        return nil
    }

    /// The input behind its byte order mark, as UTF-8, with the name of its encoding; without a mark as it is.
    static func asUTF8(_ input: Input) throws(FileError) -> Input {
        guard input.stream.offset == 0 else { return input }
        var input = input
        if try TextDecoding.isMarked(input.stream.peek(3)) {
            input.stream.advance(3)
            input.encoding = TextDecoding.marked
        }
        guard input.encoding == nil, let wide = try marked(input.stream.peek(4)) else { return input }
        input.encoding = wide.name
        input.stream = ByteStream(WideSource(input.stream, wide), name: input.stream.name, isCompressed: true)
        return input
    }

    /// Appends the text as UTF-8; returns how many code units were malformed and became U+FFFD.
    func append(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) -> Int {
        var (at, bad) = (0, 0)
        while at < bytes.count {
            guard let (scalar, length) = scalar(bytes, at) else {
                bad += 1
                append(0xFFFD, &out)
                at += width
                continue
            }
            append(scalar, &out)
            at += length
        }
        return bad
    }

    private func unit(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32? {
        guard at + width <= bytes.count else { return nil }
        var value: UInt32 = 0
        for i in 0..<width { value = value << 8 | UInt32(bytes[at + (isBig ? i : width - 1 - i)]) }
        return value
    }

    private func scalar(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> (UInt32, Int)? {
        guard let first = unit(bytes, at) else { return nil }
        if width == 2, first & 0xFC00 == 0xD800 {
            guard let second = unit(bytes, at + 2), second & 0xFC00 == 0xDC00 else { return nil }
            return (0x10000 + (first & 0x3FF) << 10 + second & 0x3FF, 4)
        }
        return Unicode.Scalar(first) == nil ? nil : (first, width)
    }

    private func append(_ scalar: UInt32, _ out: inout [UInt8]) {
        if let scalar = Unicode.Scalar(scalar) { out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) }
    }
}

/// Turns a stream of UTF-16 or UTF-32 into UTF-8 on the way.
private final class WideSource: ByteSource {
    private let input: ByteStream
    private let wide: WideText
    private var ready: [UInt8] = []
    private var at = 0

    init(_ input: ByteStream, _ wide: WideText) {
        self.input = input
        self.wide = wide
        input.advance(wide.mark.count)
    }

    func read(into target: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        if at == ready.count {
            ready.removeAll(keepingCapacity: true)
            at = 0
            let part = try input.peek(4096).prefix(1 << 14)
            // A pair of surrogates is not cut: its first half waits for the next part.
            var count = part.count >= 8 ? part.count / 4 * 4 : part.count
            if count >= 8, wide.width == 2, part[count - (wide.isBig ? 2 : 1)] & 0xFC == 0xD8 { count -= 2 }
            _ = wide.append(UnsafeRawBufferPointer(rebasing: part.prefix(count)), to: &ready)
            input.advance(count)
        }
        let count = min(target.count, ready.count - at)
        ready.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[at..<at + count])) }
        at += count
        return count
    }
}
