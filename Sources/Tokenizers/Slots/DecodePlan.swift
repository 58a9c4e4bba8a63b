import QuintetFiles

/// The decoder worked out for every token at load, so that decoding copies bytes.
///
/// Text is the tokens' bytes in order; runs of byte tokens become characters; then the start is stripped. Decoders that do more
/// run step by step (`chain`).
struct DecodePlan: Sendable {
    /// Bytes of every id, one after another; `ends[id]` is where the id's bytes end.
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    /// What a token is as the first of a text, where that differs.
    private(set) var firsts: [Int32: [UInt8]] = [:]
    /// The byte that a `<0x..>` token stands for, -1 for other tokens; empty without byte fallback.
    private(set) var byteValues: [Int16] = []
    /// Joins tokens by this: a space where the file names no decoder.
    private(set) var separator: [UInt8] = []
    /// What is taken off the start of the text, and how often.
    private(set) var stripped: UInt8 = 0x20
    private(set) var stripCount = 0
    /// SentencePiece's own way with bytes and with the space in front; `unknownID` keeps its space.
    private(set) var leading: SentencePieceDecoder.Leading?
    private(set) var unknownID: Int32 = -1
    /// The steps, where they must run one after another on all tokens; the bytes of an id are then its token's.
    private(set) var chain: [Decoder] = []

    /// `names[id]` is the text of every token, nil for an id that is not used.
    init(_ decoder: Decoder?, names: [ArraySlice<UInt8>?]) {
        guard let decoder else {
            separator = [0x20]
            for name in names { append(Array(name ?? [])) }
            return
        }
        if case .sentencePiece(let pieces) = decoder {
            fill(pieces, names)
            return
        }
        guard let local = readTextSteps(decoder.steps) else {
            chain = decoder.steps
            for name in names { append(Array(name ?? [])) }
            return
        }
        let hasBytes = decoder.steps.contains { if case .byteFallback = $0 { true } else { false } }
        let hasFirsts = local.contains { if case .metaspace = $0 { true } else if case .wordPiece = $0 { true } else { false } }
        if hasBytes { byteValues = [Int16](repeating: -1, count: names.count) }
        for (id, name) in names.enumerated() {
            let token = Array(name ?? [])
            if hasBytes, let value = Self.byteValue(token) { byteValues[id] = Int16(value) }
            let text = local.reduce(token) { $1.apply(to: $0, isFirst: false) }
            append(text)
            if hasFirsts {
                let first = local.reduce(token) { $1.apply(to: $0, isFirst: true) }
                if first != text { firsts[Int32(id)] = first }
            }
        }
    }

    private mutating func fill(_ pieces: SentencePieceDecoder, _ names: [ArraySlice<UInt8>?]) {
        leading = pieces.leading
        byteValues = [Int16](repeating: -1, count: names.count)
        for (id, name) in names.enumerated() {
            let piece = Array(name ?? [])
            if piece == pieces.unknown { unknownID = Int32(id) }
            if let value = Self.byteValue(piece) { byteValues[id] = Int16(value) }
            append(pieces.text(of: piece))
        }
    }

    /// The text is the tokens' bytes one after another, nothing else: byte-level tokenizers.
    var isPlain: Bool { byteValues.isEmpty && separator.isEmpty && stripCount == 0 && firsts.isEmpty && chain.isEmpty && leading == nil }

    /// The bytes of the tokens, one after another; ids that are not in the vocabulary are left out.
    func joined(_ ids: [Int32]) -> [UInt8] {
        let total = ids.reduce(0) { $0 + range(of: $1).count }
        // Else the count, 0, is written into the empty array that all threads share.
        if total == 0 { return [] }
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

    /// The text of ids by running the steps on all of them.
    func chained(_ ids: [Int32]) -> [UInt8] {
        let tokens = ids.filter { ends.indices.contains(Int($0)) }.map { Array(bytes[range(of: $0)]) }
        return Array(chain.reduce(tokens) { $1.apply(to: $0) }.joined())
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

    /// The steps of single tokens, in order, where all others are of the kinds this plan holds; else nil.
    private mutating func readTextSteps(_ steps: [Decoder]) -> [Decoder]? {
        var local: [Decoder] = []
        var isFused = false
        var sawBytes = false
        for step in steps {
            switch step {
            case .fuse: isFused = true
            case .strip(let content, let start, let stop) where isFused && stop == 0 && content < 0x80 && stripCount == 0:
                (stripped, stripCount) = (UInt8(content), start)
            case .byteFallback where !isFused && !sawBytes: sawBytes = true
            case .byteLevel where steps.count == 1: local.append(step)
            case .replace where !isFused && !sawBytes, .strip where !isFused && !sawBytes, .metaspace where !isFused && !sawBytes,
                .wordPiece where !isFused && !sawBytes:
                local.append(step)
            default:
                stripCount = 0
                return nil
            }
        }
        return local
    }

    /// The byte of a token named `<0x..>`.
    static func byteValue(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == 0x3E else { return nil }
        return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
    }
}
