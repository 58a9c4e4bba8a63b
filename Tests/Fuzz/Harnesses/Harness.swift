/// One reader of untrusted bytes, made to be fed anything: it may refuse with a typed error, never trap, hang or take memory without bound.
public struct Harness: Sendable {
    /// The name for `Tests/Fuzz/run NAME`, and of its folder in `Tests/Fuzz/Corpus`.
    public let name: String
    /// Small valid inputs that mutation starts from, beside those in the corpus folder.
    public let seeds: [[UInt8]]
    /// Feeds one input; throws what the reader throws.
    public let feed: @Sendable ([UInt8]) throws -> Void

    public init(_ name: String, seeds: [[UInt8]], feed: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.seeds = seeds
        self.feed = feed
    }

    /// Every harness, one line each.
    public static let all: [Harness] = [
        .gguf, .safetensors, .pytorch, .tokenizer, .sentencePiece, .regex, .template, .gbnf, .jsonSchema, .adapter, .sources,
    ]
}
