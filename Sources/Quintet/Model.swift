internal import QuintetFiles
public import QuintetGeneration

/// A model that is loaded: the short way to text and conversations.
///
/// ```swift
/// let model = try Model.load("stories260K-hf")
/// print(try model.generate("Once upon a time", maxTokens: 64))
/// for try await piece in model.chat([.user("Tell me a story.")]) { print(piece, terminator: "") }
/// ```
public struct Model: Sendable {
    /// What does the work, with everything it can do.
    public let generator: TextGenerator

    public init(_ generator: TextGenerator) { self.generator = generator }

    /// Loads a model folder in Hugging Face layout.
    public static func load(_ path: String) throws -> Model { Model(try TextGenerator.open(path)) }

    /// Continues a text.
    public func generate(_ prompt: String, maxTokens: Int = 128, sampling: SamplingOptions? = nil) throws -> String {
        try generator.generate(prompt, options: GenerationOptions(maxTokens: maxTokens, sampling: sampling)).text
    }

    /// Answers a conversation, piece by piece; leaving the loop stops the answer.
    public func chat(
        _ messages: [ChatMessage], options: GenerationOptions = GenerationOptions(maxTokens: 512)
    ) -> AsyncThrowingStream<String, any Error> {
        let generator = generator
        return AsyncThrowingStream { stream in
            let work: @Sendable () -> Void = {
                do {
                    _ = try generator.chat(messages, options: options) { piece in
                        if case .terminated = stream.yield(piece) { throw CancellationError() }
                    }
                    stream.finish()
                } catch is CancellationError {
                    stream.finish()
                } catch {
                    stream.finish(throwing: error)
                }
            }
            do { try SystemThread.start(.normal, work) } catch { stream.finish(throwing: error) }
        }
    }
}
