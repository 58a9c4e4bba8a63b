import QuintetFiles

/// gpt-oss's way of answering: messages in channels. `analysis` is for itself, `final` for the reader, `commentary` is a call where it names a
/// function, else what is said on the way. Source: github.com/openai/harmony, docs/format.md.
enum Harmony {
    /// What a message is.
    enum Kind: Sendable { case answer, thought, arguments, nothing }

    static let (start, channel, message, constrain) = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>")
    /// A message ends with one of these, or where the next one begins.
    static let ends = ["<|end|>", "<|call|>", "<|return|>", start]
    static let marks = [start, channel, message, constrain] + ends.dropLast()

    /// Whether a chat template is of this kind.
    static func isTemplate(_ source: String) -> Bool { source.contains(channel) && source.contains(message) }
}

extension ToolFormat {
    /// The marks between which calls stand are the parser's own business (`Harmony`).
    static let harmony = ToolFormat(name: "harmony", sign: Harmony.channel, opening: Harmony.channel) { _ in nil }
}

extension ReplyParser {
    /// `<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>`, the recipient also before the channel.
    mutating func readHeader(_ pieces: inout [ReplyPiece]) -> Bool {
        // A constraint makes the model write its text at once.
        if let first = held.first(where: { $0 > 32 }), !Self.headerStarts.contains(first) {
            state = .message(.answer)
            return true
        }
        guard let end = held.firstRange(of: Harmony.message.utf8) else { return false }
        let header = String(decoding: held[..<end.lowerBound], as: UTF8.self)
        held.removeFirst(end.upperBound)
        let channel = header.firstRange(of: Harmony.channel).map { String(header[$0.upperBound...].prefix { $0.isLetter }) } ?? "final"
        let recipient = header.firstRange(of: "to=").map { String(header[$0.upperBound...].prefix { !$0.isWhitespace && $0 != "<" }) }
        state = .message(kind(channel, recipient, &pieces))
        return true
    }

    /// `<|channel|>`, `assistant`, `to=`.
    private static let headerStarts = "<at".utf8.map { $0 }

    private mutating func kind(_ channel: String, _ recipient: String?, _ pieces: inout [ReplyPiece]) -> Harmony.Kind {
        guard let recipient, recipient != "user" else { return channel == "analysis" ? .thought : .answer }
        guard case .marked = style.calls else { return .thought }
        if style.isOneCall, calls > 0 { return .nothing }
        let name = recipient.hasPrefix("functions.") ? String(recipient.dropFirst("functions.".count)) : recipient
        pieces.append(call(ToolCall(name: name, arguments: "")))
        return .arguments
    }

    mutating func readMessage(_ kind: Harmony.Kind, _ pieces: inout [ReplyPiece]) -> Bool {
        let (before, mark) = cut(at: Harmony.ends)
        pieces += piece(before, kind)
        guard let mark else { return false }
        state = mark == Harmony.start ? .header : .between
        return true
    }

    mutating func piece(_ text: String, _ kind: Harmony.Kind) -> [ReplyPiece] {
        if text.isEmpty { return [] }
        return switch kind {
        case .answer: plain(text)
        case .thought: [.thought(text)]
        case .arguments: [.arguments(text)]
        case .nothing: []
        }
    }

    /// The role's name stands between the start and the channel and says nothing new.
    mutating func skipToHeader() -> Bool {
        guard cut(at: [Harmony.start]).mark != nil else { return false }
        state = .header
        return true
    }
}
