import QuintetFiles

/// Rewrites the text before it is split: the `normalizer` of a tokenizer.json.
enum Normalizer: Sendable {
    case prepend([UInt8])
    case replace(SplitPattern, with: [UInt8])
    case canonical(CanonicalForm.Kind)
    case lowercase
    case bert(BertNormalizer)
    case strip(left: Bool, right: Bool)
    case stripAccents
    case nmt
    case byteLevel
    case characterMap(CharacterMap)
    case sentencePiece(SentencePieceNormalizer)
    case sequence([Normalizer])

    /// How many times longer the whole text may become.
    private static let largestGrowth = 64

    /// The slot as written; nil for `null`.
    static func read(_ json: JSON, source: String, field: String = "normalizer") throws(FileError) -> Normalizer? {
        if json.isNull { return nil }
        let normalizer = try Normalizer(json, source: source, field: field)
        guard normalizer.growth <= largestGrowth else {
            throw FileError(
                "the normalizer makes text grow too much", path: source, field: field,
                expected: "at most \(largestGrowth) times", found: "\(normalizer.growth) times")
        }
        return normalizer
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        let place = SlotPlace(source: source, field: field)
        switch json["type"]?.string {
        case "Prepend": self = .prepend(try place.text(json["prepend"], "prepend"))
        case "Replace": self = .replace(try place.pattern(json["pattern"]), with: try place.text(json["content"], "content"))
        case "NFC": self = .canonical(.nfc)
        case "NFD": self = .canonical(.nfd)
        case "NFKC": self = .canonical(.nfkc)
        case "NFKD": self = .canonical(.nfkd)
        case "Lowercase": self = .lowercase
        case "BertNormalizer": self = .bert(BertNormalizer(json))
        case "Strip": self = .strip(left: json["strip_left"]?.bool ?? true, right: json["strip_right"]?.bool ?? true)
        case "StripAccents": self = .stripAccents
        case "Nmt": self = .nmt
        case "ByteLevel": self = .byteLevel
        case "Precompiled": self = .characterMap(try CharacterMap(base64: json["precompiled_charsmap"], place))
        case "SentencePiece": self = .sentencePiece(try SentencePieceNormalizer(json, place))
        case "Sequence":
            var steps: [Normalizer] = []
            for (index, step) in (json["normalizers"]?.array ?? []).enumerated() {
                steps.append(try Normalizer(step, source: source, field: "\(field).normalizers[\(index)]"))
            }
            self = .sequence(steps)
        default: throw place.unknown("normalizer", json)
        }
    }

    /// How many times longer the text may become at most, by a pattern in the file: the fixed forms are known to be tame.
    private var growth: Int {
        switch self {
        case .replace(.text(let pattern), let content): max(1, (content.count + pattern.count - 1) / pattern.count)
        case .replace(.regex, let content): max(1, content.count)
        case .sequence(let steps): steps.reduce(1) { min($0 * $1.growth, 1 << 20) }
        case .prepend, .canonical, .lowercase, .bert, .strip, .stripAccents, .nmt, .byteLevel, .characterMap, .sentencePiece: 1
        }
    }

    func apply(to bytes: [UInt8]) -> [UInt8] {
        if bytes.isEmpty { return bytes }
        switch self {
        case .prepend(let prefix): return prefix + bytes
        case .replace(let pattern, let content): return Self.replacing(pattern, with: content, in: bytes)
        case .canonical(let kind): return CanonicalForm.shared.apply(kind, to: bytes)
        case .lowercase: return mapScalars(bytes, ascii: { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, appendLowercase)
        case .bert(let normalizer): return normalizer.apply(to: bytes)
        case .strip(let left, let right): return Self.stripping(left, right, bytes)
        case .stripAccents: return mapScalars(bytes, ascii: { $0 }, Self.appendUnlessMark)
        case .nmt: return Self.nmt(bytes)
        case .byteLevel: return ByteAlphabet.encode(bytes)
        case .characterMap(let map): return map.applyByGraphemes(to: bytes)
        case .sentencePiece(let normalizer): return normalizer.apply(to: bytes)
        case .sequence(let steps): return steps.reduce(bytes) { $1.apply(to: $0) }
        }
    }

    /// The text with every match replaced.
    static func replacing(_ pattern: SplitPattern, with content: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        if case .text(let wanted) = pattern, !bytes.contains(wanted[0]) { return bytes }
        return bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            var out: [UInt8] = []
            out.reserveCapacity(bytes.count + bytes.count / 8)
            var done = 0
            pattern.forEachMatch(in: TextBytes(base, buffer.count)) { start, end in
                out.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[done..<start]))
                out.append(contentsOf: content)
                done = end
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[done...]))
            return out
        }
    }

    private static func stripping(_ left: Bool, _ right: Bool, _ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            let text = TextBytes(base, buffer.count)
            let start = left ? text.end(of: CharacterFlags.space, from: 0) : 0
            var end = text.count
            while right, end > start {
                let last = text.characterStart(before: end, notBefore: start)
                if text.character(at: last).flags & CharacterFlags.space == 0 { break }
                end = last
            }
            return Array(buffer[start..<end])
        }
    }

    private static func appendUnlessMark(_ code: UInt32, _ out: inout [UInt8]) {
        if !marks.contains(code) { appendScalar(code, to: &out) }
    }

    /// Marks as the peer's table has them, which stands at Unicode 9.
    private static let marks = ScalarBitmap(
        ScalarSet(
            categoryRanges.filter { CharacterClasses.categoryNames[Int($0.category)].hasPrefix("M") }
                .flatMap { $0.range.filter { isKnown($0, before: 10) && $0 != 0x111C9 }.map { $0...$0 } } + [0x1CF2...0x1CF3]))

    /// SentencePiece's clean-up for translation: control characters go, rare spaces become plain ones.
    private static func nmt(_ bytes: [UInt8]) -> [UInt8] {
        mapScalars(bytes, ascii: nil) { code, out in
            switch code {
            case 1...8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: break
            case 9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: out.append(0x20)
            default: appendScalar(code, to: &out)
            }
        }
    }
}

/// Rewrites a text character by character; `ascii` is what becomes of a byte below 0x80 (nil: ask `body` too), broken bytes stay.
@inline(__always)
func mapScalars(
    _ bytes: [UInt8], ascii: ((UInt8) -> UInt8)?, _ body: (UInt32, inout [UInt8]) -> Void
) -> [UInt8] {
    bytes.withUnsafeBufferPointer { text in
        guard let base = text.baseAddress else { return [] }
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if let ascii, base[index] < 0x80 {
                out.append(ascii(base[index]))
                index += 1
            } else if let (code, length) = decodeScalar(base + index, text.count - index) {
                body(code, &out)
                index += length
            } else {
                out.append(base[index])
                index += 1
            }
        }
        return out
    }
}

/// True if Unicode had the character before a version: some of the peer's tables are old.
func isKnown(_ code: UInt32, before version: Int) -> Bool {
    guard let age = Unicode.Scalar(code)?.properties.age else { return false }
    return age.major < version
}

/// A character's own lower case, without regard to its neighbours.
func appendLowercase(_ code: UInt32, _ out: inout [UInt8]) {
    guard let scalar = Unicode.Scalar(code) else { return }
    out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
}
