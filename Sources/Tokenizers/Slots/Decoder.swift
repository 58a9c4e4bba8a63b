import QuintetFiles

/// Turns tokens back into text: the `decoder` of a tokenizer.json.
enum Decoder: Sendable {
    case byteLevel
    case replace(SplitPattern, with: [UInt8])
    case byteFallback
    case fuse
    /// Takes up to `start` (`stop`) times `content` off the start (end).
    case strip(content: UInt32, start: Int, stop: Int)
    case metaspace(Metaspace)
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    /// The end of a word becomes a space, that of the text nothing.
    case suffix([UInt8])
    /// Equal neighbours are one, padding is none, word delimiters are spaces.
    case ctc(padding: [UInt8], delimiter: [UInt8], cleansUp: Bool)
    case sentencePiece(SentencePieceDecoder)
    case sequence([Decoder])

    /// The slot as written; nil for `null`: tokens are then joined by spaces.
    static func read(_ json: JSON, source: String, field: String = "decoder") throws(FileError) -> Decoder? {
        json.isNull ? nil : try Decoder(json, source: source, field: field)
    }

    private init(_ json: JSON, source: String, field: String) throws(FileError) {
        let place = SlotPlace(source: source, field: field)
        switch json["type"]?.string {
        case "ByteLevel": self = .byteLevel
        case "ByteFallback": self = .byteFallback
        case "Fuse": self = .fuse
        case "Replace": self = .replace(try place.pattern(json["pattern"]), with: try place.text(json["content"], "content"))
        case "Strip":
            guard let content = json["content"]?.string?.unicodeScalars.first, let start = json["start"]?.int,
                let stop = json["stop"]?.int, start >= 0, stop >= 0
            else {
                throw FileError(
                    "not a strip", path: source, field: field, expected: "content, start and stop", found: json.serialized())
            }
            self = .strip(content: content.value, start: start, stop: stop)
        case "Metaspace": self = .metaspace(try place.metaspace(json))
        case "WordPiece":
            let prefix = json["prefix"] == nil ? Array("##".utf8) : try place.text(json["prefix"], "prefix")
            self = .wordPiece(prefix: prefix, cleansUp: json["cleanup"]?.bool ?? true)
        case "BPEDecoder":
            self = .suffix(json["suffix"] == nil ? Array("</w>".utf8) : try place.text(json["suffix"], "suffix"))
        case "CTC":
            self = .ctc(
                padding: try place.text(json["pad_token"] ?? "<pad>", "pad_token"),
                delimiter: try place.text(json["word_delimiter_token"] ?? "|", "word_delimiter_token"),
                cleansUp: json["cleanup"]?.bool ?? true)
        case "SentencePiece": self = .sentencePiece(SentencePieceDecoder(json))
        case "Sequence":
            var steps: [Decoder] = []
            for (index, step) in (json["decoders"]?.array ?? []).enumerated() {
                steps.append(try Decoder(step, source: source, field: "\(field).decoders[\(index)]"))
            }
            self = .sequence(steps)
        default: throw place.unknown("decoder", json)
        }
    }

    /// The steps in order, with nested sequences flattened.
    var steps: [Decoder] {
        if case .sequence(let steps) = self { return steps.flatMap(\.steps) }
        return [self]
    }

    /// What a local step makes of one token.
    func apply(to token: [UInt8], isFirst: Bool) -> [UInt8] {
        switch self {
        case .byteLevel: return ByteAlphabet.decode(token)
        case .replace(let pattern, let content): return token.isEmpty ? token : Normalizer.replacing(pattern, with: content, in: token)
        case .strip(let content, let start, let stop): return Self.stripping(content, start, stop, from: token)
        case .metaspace(let metaspace): return Self.spaced(token, metaspace, isFirst: isFirst)
        case .wordPiece(let prefix, let cleansUp):
            var text = token
            if !isFirst { text = !prefix.isEmpty && token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token }
            return cleansUp ? Self.cleanedUp(text) : text
        case .byteFallback, .fuse, .suffix, .ctc, .sentencePiece, .sequence: return token
        }
    }

    private static func spaced(_ token: [UInt8], _ metaspace: Metaspace, isFirst: Bool) -> [UInt8] {
        let mark = metaspace.replacement
        var out: [UInt8] = []
        var index = 0
        while index < token.count {
            if token[index...].starts(with: mark) {
                if !isFirst || metaspace.prepending == .never { out.append(0x20) }
                index += mark.count
            } else {
                out.append(token[index])
                index += 1
            }
        }
        return out
    }

    private static func stripping(_ content: UInt32, _ start: Int, _ stop: Int, from token: [UInt8]) -> [UInt8] {
        let scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
        let first = scalars.prefix(start).prefix { $0.value == content }.count
        let last = scalars.dropFirst(first).suffix(stop).reversed().prefix { $0.value == content }.count
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[first..<scalars.count - last])
        return Array(String(text).utf8)
    }

    /// Spaces before punctuation and within contractions go.
    static func cleanedUp(_ token: [UInt8]) -> [UInt8] {
        guard token.contains(0x20) else { return token }
        return cleanUps.reduce(token) { Normalizer.replacing(.text($1.0), with: $1.1, in: $0) }
    }

    private static let cleanUps: [([UInt8], [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }
}

extension Decoder {
    /// The step on all tokens at once, in any order of steps: the slow twin of `DecodePlan`.
    func apply(to tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .fuse: return [Array(tokens.joined())]
        case .byteFallback: return Self.charactersOfBytes(tokens)
        case .suffix(let suffix):
            return tokens.enumerated().map { index, token in
                if suffix.isEmpty || token.isEmpty { return token }
                return Normalizer.replacing(.text(suffix), with: index == tokens.count - 1 ? [] : [0x20], in: token)
            }
        case .ctc(let padding, let delimiter, let cleansUp):
            return tokens.enumerated().compactMap { index, token in
                if index > 0, tokens[index - 1] == token { return nil }
                var text = padding.isEmpty ? token : Normalizer.replacing(.text(padding), with: [], in: token)
                if cleansUp {
                    text = Self.cleanedUp(text)
                    if !delimiter.isEmpty, !text.isEmpty { text = Normalizer.replacing(.text(delimiter), with: [0x20], in: text) }
                }
                return text.isEmpty ? nil : text
            }
        case .byteLevel:
            let bytes = Array(tokens.map { ByteAlphabet.decode($0) }.joined())
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        default: return tokens.enumerated().map { apply(to: $1, isFirst: $0 == 0) }
        }
    }

    private static func charactersOfBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var out: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            if String(validating: run, as: UTF8.self) != nil {
                if !run.isEmpty { out.append(run) }
            } else {
                for _ in run { out.append([0xEF, 0xBF, 0xBD]) }
            }
            run = []
        }
        for token in tokens {
            if let byte = DecodePlan.byteValue(token) {
                run.append(byte)
            } else {
                flush()
                out.append(token)
            }
        }
        flush()
        return out
    }
}
