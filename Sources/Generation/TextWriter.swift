import QuintetTokenizers

/// Turns ids into text as they come: what lies before a stop string, in whole characters.
struct TextWriter {
    private(set) var text = ""
    private var decoder: StreamingDecoder
    private var stops: StopStrings

    var stopped: Bool { stops.found }

    /// The prompt goes through the decoder first, so that spaces at the border come out as in the whole text.
    init(_ tokenizer: Tokenizer, prompt: [Int32], stops: [String]) {
        decoder = tokenizer.makeStreamingDecoder()
        for id in prompt { _ = decoder.append(id) }
        self.stops = StopStrings(stops)
    }

    /// The text that one more token completes; empty while it is half a character or may begin a stop string.
    mutating func append(_ id: Int32) -> String { give(stops.take(decoder.append(id))) }

    /// What was held back, once no more tokens come.
    mutating func finish() -> String { give(stops.take(decoder.finish()) + stops.finish()) }

    private mutating func give(_ piece: String) -> String {
        text += piece
        return piece
    }
}
