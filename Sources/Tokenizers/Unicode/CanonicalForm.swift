/// Normalization form C: characters composed as far as Unicode allows ("e" + U+0301 becomes "é").
///
/// Text below U+0300 is in this form already; of other text, only the stretches around characters that may change are touched.
struct CanonicalForm: Sendable {
    private var decompositions: [UInt32: [UInt32]] = [:]
    private var compositions: [UInt64: UInt32] = [:]
    private var classes: [UInt32: UInt8] = [:]
    /// One bit per code point that combines, decomposes for good, or may compose with what stands before it.
    private var unsafe = [UInt64](repeating: 0, count: 0x110000 / 64)

    static let shared = CanonicalForm()

    private init() {
        let excluded = Set(Self.fields(compositionExclusions).map { Self.number($0) })
        for field in Self.fields(combiningClasses) {
            let parts = field.split(separator: 0x3D)
            classes[Self.number(parts[0])] = UInt8(truncatingIfNeeded: Self.number(parts[1]))
        }
        for field in Self.fields(canonicalDecompositions) {
            let parts = field.split(separator: 0x3D)
            let code = Self.number(parts[0])
            let pieces = parts[1].split(separator: 0x2B).map { Self.number($0) }
            decompositions[code] = pieces
            if excluded.contains(code) || pieces.count != 2 {
                mark(code)
            } else {
                compositions[UInt64(pieces[0]) << 32 | UInt64(pieces[1])] = code
                mark(pieces[1])
            }
        }
        for code in classes.keys { mark(code) }
        for code in UInt32(0x1161)...0x1175 { mark(code) }
        for code in UInt32(0x11A8)...0x11C2 { mark(code) }
    }

    private static func fields(_ text: StaticString) -> [ArraySlice<UInt8>] {
        Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)).split(separator: 0x20)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32 {
        digits.reduce(0) { $0 << 4 | UInt32($1 <= 0x39 ? $1 - 0x30 : $1 - 0x37) }
    }

    private mutating func mark(_ code: UInt32) { unsafe[Int(code >> 6)] |= 1 << UInt64(code & 63) }

    @inline(__always)
    private func isUnsafe(_ code: UInt32) -> Bool {
        code >= 0x300 && unsafe[Int(code >> 6)] >> UInt64(code & 63) & 1 != 0
    }

    /// The text in form C; bytes that are no UTF-8 stay as they are.
    func composed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 >= 0xCC }) else { return bytes }
        return bytes.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return [] }
            return composed(base, text.count)
        }
    }

    private func composed(_ base: UnsafePointer<UInt8>, _ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var done = 0  // copied up to here
        var starter = 0  // last character that nothing before it can change
        var index = 0
        while index < count {
            guard let (code, length) = decodeScalar(base + index, count - index) else {
                index += 1
                starter = index
                continue
            }
            guard isUnsafe(code) else {
                starter = index
                index += length
                continue
            }
            out.append(contentsOf: UnsafeBufferPointer(start: base + done, count: max(0, starter - done)))
            var segment: [UInt32] = []
            index = gather(base, count, from: max(starter, done), unsafeFrom: index, into: &segment)
            for scalar in recomposed(segment) { appendScalar(scalar, to: &out) }
            done = index
            starter = index
        }
        out.append(contentsOf: UnsafeBufferPointer(start: base + done, count: count - done))
        return out
    }

    /// Decomposes from `start` past the unsafe characters at `first`; returns where the next safe one begins.
    private func gather(
        _ base: UnsafePointer<UInt8>, _ count: Int, from start: Int, unsafeFrom first: Int, into segment: inout [UInt32]
    ) -> Int {
        var index = start
        while index < count, let (code, length) = decodeScalar(base + index, count - index) {
            if index > first, !isUnsafe(code) { break }
            decompose(code, into: &segment)
            index += length
        }
        return index
    }

    func decompose(_ code: UInt32, into segment: inout [UInt32]) {
        if (0xAC00...0xD7A3).contains(code) {
            let index = code - 0xAC00
            segment += [0x1100 + index / 588, 0x1161 + index % 588 / 28]
            if index % 28 > 0 { segment.append(0x11A7 + index % 28) }
        } else if let pieces = decompositions[code] {
            for piece in pieces { decompose(piece, into: &segment) }
        } else {
            segment.append(code)
        }
    }

    /// Orders combining marks and composes what composes.
    private func recomposed(_ decomposed: [UInt32]) -> [UInt32] {
        let segment = ordered(decomposed)
        var out: [UInt32] = []
        var starter: Int?
        var lastClass = 0
        for code in segment {
            let combining = Int(classes[code] ?? 0)
            if let at = starter, lastClass < combining || lastClass == 0 && at == out.count - 1, let whole = compose(out[at], code) {
                out[at] = whole
                continue
            }
            if combining == 0 { starter = out.count }
            lastClass = combining
            out.append(code)
        }
        return out
    }

    /// Marks between starters in the order of their class, equal classes as they were.
    private func ordered(_ segment: [UInt32]) -> [UInt32] {
        var out: [UInt32] = []
        var marks: [(class: UInt8, code: UInt32)] = []
        func flush() {
            marks = marks.enumerated().sorted { ($0.element.class, $0.offset) < ($1.element.class, $1.offset) }.map(\.element)
            out += marks.map(\.code)
            marks.removeAll()
        }
        for code in segment {
            if let combining = classes[code] {
                marks.append((combining, code))
            } else {
                flush()
                out.append(code)
            }
        }
        flush()
        return out
    }

    private func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if (0x1100...0x1112).contains(first), (0x1161...0x1175).contains(second) {
            return 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
        }
        if (0xAC00...0xD7A3).contains(first), (first - 0xAC00) % 28 == 0, (0x11A8...0x11C2).contains(second) {
            return first + second - 0x11A7
        }
        return compositions[UInt64(first) << 32 | UInt64(second)]
    }
}
