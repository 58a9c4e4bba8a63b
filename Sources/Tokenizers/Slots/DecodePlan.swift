import QuintetFiles

/// The decoder worked out for every token at load, so that decoding copies bytes.
///
/// Text is the tokens' bytes in order; runs of byte tokens become characters; then the start is stripped.
struct DecodePlan: Sendable {
    /// Bytes of every id, one after another; `ends[id]` is where the id's bytes end.
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    /// The byte that a `<0x..>` token stands for, -1 for other tokens; empty without byte fallback.
    private(set) var byteValues: [Int16] = []
    /// Joins tokens by this: a space where the file names no decoder.
    private(set) var separator: [UInt8] = []
    /// What is taken off the start of the text, and how often.
    private(set) var stripped: UInt8 = 0x20
    private(set) var stripCount = 0

    /// `names[id]` is the text of every token, nil for an id that is not used.
    init(_ decoder: Decoder?, names: [ArraySlice<UInt8>?], source: String) throws(FileError) {
        guard let decoder else {
            separator = [0x20]
            for name in names { append(Array(name ?? [])) }
            return
        }
        let tokenSteps = try readTextSteps(decoder.steps, source: source)
        if tokenSteps.contains(.byteFallback) { byteValues = [Int16](repeating: -1, count: names.count) }
        for (id, name) in names.enumerated() {
            let token = Array(name ?? [])
            let value = tokenSteps.contains(.byteFallback) ? Self.byteValue(token) : nil
            if !byteValues.isEmpty { byteValues[id] = value.map { Int16($0) } ?? -1 }
            append(tokenSteps.reduce(token) { Self.apply($1, to: $0) })
        }
    }

    /// The text is the tokens' bytes one after another, nothing else: byte-level tokenizers.
    var isPlain: Bool { byteValues.isEmpty && separator.isEmpty && stripCount == 0 }

    /// The bytes of the tokens, one after another; ids that are not in the vocabulary are left out.
    func joined(_ ids: [Int32]) -> [UInt8] {
        let total = ids.reduce(0) { $0 + range(of: $1).count }
        return [UInt8](unsafeUninitializedCapacity: total) { out, count in
            bytes.withUnsafeBufferPointer { bytes in
                for id in ids {
                    let range = range(of: id)
                    for index in range {
                        out[count] = bytes[index]
                        count += 1
                    }
                }
            }
        }
    }

    /// Where an id's bytes are.
    @inline(__always)
    func range(of id: Int32) -> Range<Int> {
        guard id >= 0, Int(id) < ends.count else { return 0..<0 }
        return (id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)]
    }

    private mutating func append(_ token: [UInt8]) {
        bytes.append(contentsOf: token)
        ends.append(bytes.count)
    }

    /// Splits the steps into those of single tokens (returned) and those of the whole text (kept here).
    private mutating func readTextSteps(_ steps: [Decoder], source: String) throws(FileError) -> [Decoder] {
        var tokenSteps: [Decoder] = []
        var isFused = false
        for step in steps {
            switch step {
            case .fuse: isFused = true
            case .strip(let content, let start, let stop) where isFused && stop == 0 && content < 0x80:
                (stripped, stripCount) = (UInt8(content), start)
            case .replace where !isFused, .strip where !isFused, .byteLevel where !isFused, .byteFallback where !isFused:
                tokenSteps.append(step)
            default:
                throw FileError(
                    "this combination of decoders is not supported", path: source, field: "decoder", found: "\(step)")
            }
        }
        return tokenSteps
    }

    private static func apply(_ step: Decoder, to token: [UInt8]) -> [UInt8] {
        switch step {
        case .byteLevel: return ByteAlphabet.decode(token)
        case .replace(let pattern, let content): return Normalizer.replacing(pattern, with: content, in: token)
        case .strip(let content, let start, let stop): return stripping(content, start, stop, from: token)
        case .byteFallback, .fuse, .sequence: return token
        }
    }

    private static func stripping(_ content: UInt32, _ start: Int, _ stop: Int, from token: [UInt8]) -> [UInt8] {
        let scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
        let first = scalars.prefix(start).prefix { $0.value == content }.count
        let last = scalars.dropFirst(first).suffix(stop).reversed().prefix { $0.value == content }.count
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[first..<scalars.count - last])
        return Array(String(text).utf8)
    }

    /// The byte of a token named `<0x..>`.
    private static func byteValue(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == 0x3E else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }
}
