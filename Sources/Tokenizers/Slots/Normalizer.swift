import QuintetFiles

/// Rewrites the text before it is split: the `normalizer` of a tokenizer.json.
enum Normalizer: Sendable, Equatable {
    case prepend([UInt8])
    case replace([UInt8], with: [UInt8])
    case nfc
    case lowercase
    /// `\s+` by something else.
    case replaceSpaces(with: [UInt8])
    case sequence([Normalizer])

    /// Longest text a replacement or prefix may have, bytes, and how many times longer the whole text may become.
    private static let longestText = 256
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
        switch json["type"]?.string {
        case "Prepend":
            self = .prepend(try Self.text(json["prepend"], source, field + ".prepend"))
        case "NFC": self = .nfc
        case "Lowercase": self = .lowercase
        case "Replace" where json["pattern"]?["Regex"]?.string == #"\s+"#:
            self = .replaceSpaces(with: try Self.text(json["content"], source, field + ".content"))
        case "Replace":
            let pattern = try Self.text(json["pattern"]?["String"], source, field + ".pattern.String")
            guard !pattern.isEmpty else {
                throw FileError("nothing to replace", path: source, field: field + ".pattern.String")
            }
            self = .replace(pattern, with: try Self.text(json["content"], source, field + ".content"))
        case "Sequence":
            var steps: [Normalizer] = []
            for (index, step) in (json["normalizers"]?.array ?? []).enumerated() {
                steps.append(try Normalizer(step, source: source, field: "\(field).normalizers[\(index)]"))
            }
            self = .sequence(steps)
        default:
            throw FileError(
                "this normalizer is not supported", path: source, field: field + ".type",
                expected: "NFC, Lowercase, Prepend, Replace or Sequence", found: json["type"]?.serialized() ?? json.kind)
        }
    }

    private static func text(_ json: JSON?, _ source: String, _ field: String) throws(FileError) -> [UInt8] {
        guard let text = json?.string, text.utf8.count <= longestText else {
            throw FileError(
                "not supported here", path: source, field: field, expected: "at most \(longestText) bytes of text",
                found: json?.string.map { "\($0.utf8.count) bytes" } ?? json?.kind ?? "nothing")
        }
        return Array(text.utf8)
    }

    /// How many times longer the text may become at most.
    private var growth: Int {
        switch self {
        case .prepend: 1
        case .nfc, .lowercase: 3
        case .replaceSpaces(let content): max(1, content.count)
        case .replace(let pattern, let content): max(1, (content.count + pattern.count - 1) / pattern.count)
        case .sequence(let steps): steps.reduce(1) { min($0 * $1.growth, 1 << 20) }
        }
    }

    func apply(to bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .nfc: CanonicalForm.shared.composed(bytes)
        case .lowercase: Self.lowercased(bytes)
        case .replaceSpaces(let content): Self.replacingSpaces(with: content, in: bytes)
        case .prepend(let prefix): bytes.isEmpty ? bytes : prefix + bytes
        case .replace(let pattern, let content): Self.replacing(pattern, with: content, in: bytes)
        case .sequence(let steps): steps.reduce(bytes) { $1.apply(to: $0) }
        }
    }

    /// Each character's own lower case, without regard to its neighbours.
    private static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return [] }
            var out: [UInt8] = []
            out.reserveCapacity(text.count)
            var index = 0
            while index < text.count {
                let byte = base[index]
                guard byte >= 0x80, let (code, length) = decodeScalar(base + index, text.count - index),
                    let scalar = Unicode.Scalar(code)
                else {
                    out.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
                    index += 1
                    continue
                }
                out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
                index += length
            }
            return out
        }
    }

    private static func replacingSpaces(with content: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            let text = TextBytes(base, buffer.count)
            var out: [UInt8] = []
            var index = 0
            while index < text.count {
                let stop = text.end(ofNone: CharacterFlags.space, from: index)
                out.append(contentsOf: UnsafeBufferPointer(start: base + index, count: stop - index))
                index = text.end(of: CharacterFlags.space, from: stop)
                if index > stop { out.append(contentsOf: content) }
            }
            return out
        }
    }

    static func replacing(_ pattern: [UInt8], with content: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 2)
        var index = 0
        while index < bytes.count {
            if bytes[index] == pattern[0], bytes[index...].starts(with: pattern) {
                out.append(contentsOf: content)
                index += pattern.count
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        return out
    }
}
