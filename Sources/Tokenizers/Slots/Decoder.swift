import QuintetFiles

/// Turns tokens back into text: the `decoder` of a tokenizer.json.
enum Decoder: Sendable, Equatable {
    case byteLevel
    case replace([UInt8], with: [UInt8])
    case byteFallback
    case fuse
    /// Takes up to `start` (`stop`) times `content` off the start (end).
    case strip(content: UInt32, start: Int, stop: Int)
    case sequence([Decoder])

    /// The slot as written; nil for `null`: tokens are then joined by spaces.
    static func read(_ json: JSON, source: String, field: String = "decoder") throws(FileError) -> Decoder? {
        json.isNull ? nil : try Decoder(json, source: source, field: field)
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        switch json["type"]?.string {
        case "ByteLevel": self = .byteLevel
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Replace":
            guard let pattern = json["pattern"]?["String"]?.string, !pattern.isEmpty, let content = json["content"]?.string else {
                throw FileError(
                    "not a replacement", path: source, field: field, expected: "pattern.String and content",
                    found: json.serialized())
            }
            self = .replace(Array(pattern.utf8), with: Array(content.utf8))
        case "Strip":
            guard let content = json["content"]?.string?.unicodeScalars.first, let start = json["start"]?.int,
                let stop = json["stop"]?.int, start >= 0, stop >= 0
            else {
                throw FileError(
                    "not a strip", path: source, field: field, expected: "content, start and stop", found: json.serialized())
            }
            self = .strip(content: content.value, start: start, stop: stop)
        case "Sequence":
            var steps: [Decoder] = []
            for (index, step) in (json["decoders"]?.array ?? []).enumerated() {
                steps.append(try Decoder(step, source: source, field: "\(field).decoders[\(index)]"))
            }
            self = .sequence(steps)
        default:
            throw FileError(
                "this decoder is not supported", path: source, field: field + ".type",
                expected: "ByteLevel, ByteFallback, Fuse, Replace, Strip or Sequence",
                found: json["type"]?.serialized() ?? json.kind)
        }
    }

    /// The steps in order, with nested sequences flattened.
    var steps: [Decoder] {
        if case .sequence(let steps) = self { return steps.flatMap(\.steps) }
        return [self]
    }
}
