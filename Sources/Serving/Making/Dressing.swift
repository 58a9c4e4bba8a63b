import QuintetFiles
import QuintetGeneration

/// How a family of routes dresses texts in the making: what is sent before, for each piece, after, and all at once.
///
/// A value for each request: it may remember what it sent.
protocol Dressing: Sendable {
    /// Sent when a choice begins.
    mutating func opening(_ index: Int, _ usage: Usage) -> [ServerEvent]
    /// Sent for what a token brings; nothing but the token itself while a mark or a stop string may be beginning.
    mutating func pieces(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int) -> [ServerEvent]
    /// As `pieces`, into the stream: what most events are can be written without being made first.
    mutating func write(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int, into chunk: inout Chunk)
    /// Sent when a choice is whole.
    mutating func ending(_ text: MadeText, _ index: Int) -> [ServerEvent]
    /// Sent when all choices are whole.
    mutating func closing(_ texts: [MadeText], _ usage: Usage) -> [ServerEvent]
    /// The whole answer where nobody streams.
    func whole(_ texts: [MadeText], _ usage: Usage) -> JSON
    /// Sent where a text breaks off.
    func failure(_ error: APIError) -> ServerEvent
}

extension Dressing {
    mutating func write(_ pieces: [ReplyPiece], _ token: BatchToken?, _ index: Int, into chunk: inout Chunk) {
        for event in self.pieces(pieces, token, index) { chunk.append(event) }
    }
}

/// One server-sent event.
struct ServerEvent: Sendable {
    var name: String?
    /// JSON, or bare text such as `[DONE]`, in UTF-8.
    var data: [UInt8] = []

    init(_ json: JSON, name: String? = nil) {
        self.name = name
        json.write(into: &data)
    }

    init(text: String) { data = Array(text.utf8) }
}

/// What a request took.
struct Usage: Sendable {
    var prompt: Int
    var cached = 0
    var completion = 0
    /// Seconds until the first token, and from there to the last.
    var promptSeconds = 0.0
    var completionSeconds = 0.0

    /// llama-server's `timings`.
    var timings: JSON {
        func rate(_ count: Int, _ seconds: Double) -> JSON { .number(seconds > 0 ? Double(count) / seconds : 0) }
        return [
            "cache_n": JSON(cached), "prompt_n": JSON(prompt - cached), "prompt_ms": .number(promptSeconds * 1000),
            "prompt_per_second": rate(prompt - cached, promptSeconds), "predicted_n": JSON(completion),
            "predicted_ms": .number(completionSeconds * 1000), "predicted_per_second": rate(max(completion - 1, 0), completionSeconds),
        ]
    }
}
