import QuintetGeneration

/// A text as far as it is made.
struct MadeText: Sendable {
    /// The answer, without thoughts and calls.
    private(set) var text = ""
    private(set) var thoughts = ""
    private(set) var calls: [ToolCall] = []
    private(set) var ids: [Int32] = []
    private(set) var logprobs: [TokenLogprobs] = []
    private(set) var reason: FinishReason?
    /// The stop string that ended it, where one did.
    private(set) var stop: String?
    private var parser: ReplyParser
    private let style: ReplyStyle
    private let stops: [String]
    private let ends: [Int]

    init(_ style: ReplyStyle, stops: [String], ends: [Int]) {
        self.style = style
        self.stops = stops
        self.ends = ends
        parser = ReplyParser(style)
    }

    /// Adds a token; what it brings.
    mutating func take(_ token: BatchToken) -> [ReplyPiece] {
        ids.append(token.id)
        if let one = token.logprobs { logprobs.append(one) }
        return keep(parser.take(style.marks[token.id].map { token.text + $0 } ?? token.text))
    }

    /// Ends the text; what was held back until then.
    mutating func finish(_ reason: FinishReason, _ decode: ([Int32]) -> String) -> [ReplyPiece] {
        self.reason = reason
        if reason == .stop, !stops.isEmpty, let last = ids.last, !ends.contains(Int(last)) {
            let whole = decode(ids)
            stop = stops.compactMap { stop in whole.firstRange(of: stop).map { (at: $0.lowerBound, stop: stop) } }.min { $0.at < $1.at }?.stop
        }
        return keep(parser.finish())
    }

    private mutating func keep(_ pieces: [ReplyPiece]) -> [ReplyPiece] {
        for piece in pieces {
            switch piece {
            case .text(let more): text += more
            case .thought(let more): thoughts += more
            case .call(let call): calls.append(call)
            case .arguments(let more): if !calls.isEmpty { calls[calls.count - 1].arguments += more }
            }
        }
        return pieces
    }
}
