import QuintetFiles

/// Rewrites the text before it is split: the `normalizer` of a tokenizer.json.
enum Normalizer: Sendable, Equatable {
    case prepend([UInt8])
    case replace([UInt8], with: [UInt8])
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
                expected: "Prepend, Replace or Sequence", found: json["type"]?.serialized() ?? json.kind)
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
        case .replace(let pattern, let content): max(1, (content.count + pattern.count - 1) / pattern.count)
        case .sequence(let steps): steps.reduce(1) { min($0 * $1.growth, 1 << 20) }
        }
    }

    func apply(to bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .prepend(let prefix): bytes.isEmpty ? bytes : prefix + bytes
        case .replace(let pattern, let content): Self.replacing(pattern, with: content, in: bytes)
        case .sequence(let steps): steps.reduce(bytes) { $1.apply(to: $0) }
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
